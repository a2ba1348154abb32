import type { RunSpec } from './port.ts'
import { encodeFrame, SEND } from './protocol.ts'

const PORT = /^[A-Za-z_]\w{0,99}$/
const EXTENSION = /^[A-Za-z0-9][A-Za-z0-9._-]{0,31}$/
const FUNCTION = /^[A-Za-z_]\w{0,199}$/
const MODULE = /^[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*$/

/** `main:solve` or `solve`: a module name that stands for the inline source, and a function of it. */
const splitHandler = (handler: string): { module: string; function: string } => {
  const [left = '', right] = handler.split(':', 2)
  return right === undefined ? { module: 'main', function: left } : { module: left, function: right }
}

const fileName = ({ port, extension }: { port: string; extension: string }): string => `${port}.${extension}`

/** What no sandbox could be asked to run, as a sentence; undefined when all is well. */
export const findFault = (spec: RunSpec): string | undefined => {
  const handler = splitHandler(spec.handler)
  if (!MODULE.test(handler.module) || handler.module.length > 200 || !FUNCTION.test(handler.function))
    return `the handler ${JSON.stringify(spec.handler)} is not \`function\` or \`module:function\``
  if (!spec.source.isWellFormed() || !spec.inputs.isWellFormed())
    return 'the code and the inputs must be valid Unicode text'
  const names = new Set(spec.files.map(fileName))
  const odd = spec.files.find(({ port, extension }) => !PORT.test(port) || !EXTENSION.test(extension))
  if (odd !== undefined)
    return `the input file ${JSON.stringify(fileName(odd))} has a name that no port can have`
  return names.size === spec.files.length ? undefined : 'two input files have the same name'
}

/**
 * A run as the sandbox takes it: a frame that tells the sizes, then the source, the inputs and each file, bare.
 *
 * @throws when a file is not as long as it said; nothing else may follow then
 */
export async function* encodeRun(spec: RunSpec, resultBytes: number): AsyncGenerator<Uint8Array, void, void> {
  const { limits } = spec
  const source = Buffer.from(spec.source)
  const inputs = Buffer.from(spec.inputs)
  const header = {
    ...splitHandler(spec.handler),
    more: spec.reuse === 'tenant',
    source_bytes: source.length,
    input_bytes: inputs.length,
    files: spec.files.map((file) => ({ port: file.port, name: fileName(file), bytes: file.sizeBytes })),
    file_outputs: spec.fileOutputs ?? { required: [], optional: [] },
    limits: {
      cpu: limits.cpu,
      memory_mb: limits.memoryMb,
      pids: limits.pids,
      open_files: limits.openFiles,
      file_size_mb: limits.fileSizeMb,
      scratch_mb: limits.scratchMb,
      output_mb: limits.outputMb,
      log_bytes: limits.logBytes,
      wall_seconds: limits.wallSeconds,
      grace_seconds: limits.graceSeconds,
      result_bytes: resultBytes,
    },
  }
  yield Buffer.concat([encodeFrame(SEND.run, JSON.stringify(header)), source, inputs])
  for (const file of spec.files) {
    let sent = 0
    for await (const part of (await file.open()) as AsyncIterable<Buffer>) {
      sent += part.length
      if (sent > file.sizeBytes) break
      yield part
    }
    if (sent !== file.sizeBytes)
      throw new Error(`the input file ${fileName(file)} is ${sent} bytes, not ${file.sizeBytes}`)
  }
}
