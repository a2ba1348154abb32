import { Readable } from 'node:stream'
import { describe, expect, it } from 'vitest'
import { type EngineUnderTest, python, useEngine } from './engine-under-test.ts'

const input = (port: string, extension: string, content: string) => ({
  port,
  extension,
  sizeBytes: Buffer.byteLength(content),
  open: async () => Readable.from([Buffer.from(content)]),
})

/** The runtime contract and the limits, which every engine must keep. */
export const describeRuntimeContract = (engine: EngineUnderTest) => {
  const { run, failureOf } = useEngine(engine)

  describe('inputs and results', () => {
    it('calls the function with the inputs by name and returns its outputs', async () => {
      const ran = await run('def main(force, area):\n    return {"stress": force / area}', {
        inputs: '{"force": 1000.0, "area": 2.5}',
      })
      expect(ran.result()).toEqual({ stress: 400 })
    })

    it('wraps a bare value as `result`', async () => {
      expect((await run('def main(): return [1, None, "x"]')).result()).toEqual({ result: [1, null, 'x'] })
    })

    it('keeps numbers to the letter', async () => {
      const { outcome } = await run('def main(**inputs): return inputs', {
        inputs: '{"a": 583.0, "b": 9223372036854775809, "c": 1e22, "d": -0.0, "e": 0.1}',
      })
      expect(outcome).toMatchObject({
        status: 'completed',
        result: '{"a": 583.0, "b": 9223372036854775809, "c": 1e+22, "d": -0.0, "e": 0.1}',
      })
    })

    it('keeps an integer of five thousand digits', async () => {
      const digits = '7'.repeat(5_000)
      const { outcome } = await run('def main(n): return {"n": n}', { inputs: `{"n": ${digits}}` })
      expect(outcome).toMatchObject({ status: 'completed', result: `{"n": ${digits}}` })
    })

    it('keeps text beyond ASCII as it is, and lone surrogates as escapes', async () => {
      const { outcome } = await run('def main(t): return {"t": t}', { inputs: '{"t": "Ø é 漢 😀"}' })
      expect(outcome).toMatchObject({ result: '{"t": "Ø é 漢 😀"}' })
      const lone = await run('def main(t): return {"t": t}', { inputs: '{"t": "\\ud800"}' })
      expect(lone.outcome).toMatchObject({ result: '{"t": "\\ud800"}' })
    })

    it.each(['1e400', 'NaN', 'Infinity'])('refuses the input %s', async (value) => {
      const failure = await failureOf('def main(x): return x', { inputs: `{"x": ${value}}` })
      expect(failure).toMatchObject({ failureCode: 'user_error', message: expect.stringContaining(value) })
    })

    it('takes NumPy scalars and arrays', async () => {
      const source = python`
        import numpy
        def main():
            return {"a": numpy.float32(0.5), "b": numpy.arange(3), "c": numpy.eye(2), "d": numpy.int64(7), "e": numpy.bool_(True)}
      `
      expect((await run(source)).result()).toEqual({
        a: 0.5,
        b: [0, 1, 2],
        c: [
          [1, 0],
          [0, 1],
        ],
        d: 7,
        e: true,
      })
    })

    it.each([
      ['{"a": [1, float("nan")]}', 'result.a[1] is nan'],
      ['{"a": {"b": {1, 2}}}', 'result.a.b is of type set'],
      ['{1: 2}', 'result has the key 1'],
      ['object()', 'of type object'],
      ['b"bytes"', 'of type bytes'],
    ])('refuses the result %s and says where', async (value, message) => {
      const failure = await failureOf(`def main(): return ${value}`)
      expect(failure).toMatchObject({
        failureCode: 'invalid_output',
        message: expect.stringContaining(message),
      })
    })

    it('refuses a result that holds itself, or is nested too deeply', async () => {
      const circular = await failureOf('def main():\n    x = []\n    x.append(x)\n    return x')
      expect(circular.failureCode).toBe('invalid_output')
      const deep = await failureOf(
        'def main():\n    x = []\n    for _ in range(100000): x = [x]\n    return x',
      )
      expect(deep.failureCode).toBe('invalid_output')
    })

    it('gives files as paths and tells resources by environment', async () => {
      const source = python`
        import os, pathlib
        def main(mesh, k):
            assert isinstance(mesh, pathlib.Path)
            return {"path": str(mesh), "text": mesh.read_text(), "k": k, "env": dict(os.environ), "cwd": os.getcwd()}
      `
      const ran = await run(source, {
        inputs: '{"k": 3}',
        files: [input('mesh', 'inp', '*NODE\n1, 0., 0.\n')],
        limits: { cpu: 2 },
      })
      expect(ran.result()).toEqual({
        path: '/workspace/in/files/mesh.inp',
        text: '*NODE\n1, 0., 0.\n',
        k: 3,
        cwd: '/workspace/scratch',
        env: {
          MECAPY_CPU_LIMIT: '2',
          MECAPY_MEM_LIMIT_MB: '512',
          MECAPY_SCRATCH: '/workspace/scratch',
          OMP_NUM_THREADS: '2',
          OPENBLAS_NUM_THREADS: '2',
          MKL_NUM_THREADS: '2',
          HOME: '/tmp',
          TMPDIR: '/tmp',
          LANG: 'C.UTF-8',
        },
      })
    })

    it('lets an input of many megabytes through unharmed', async () => {
      const content = 'x'.repeat(20_000_000)
      const ran = await run('def main(data): return data.stat().st_size', {
        files: [input('data', 'txt', content)],
      })
      expect(ran.result()).toEqual({ result: content.length })
    })

    it('throws when an input file is not as long as it said', async () => {
      const short = { ...input('data', 'txt', 'abc'), sizeBytes: 4 }
      await expect(run('def main(data): return 1', { files: [short] })).rejects.toThrow('3 bytes, not 4')
    })

    it('knows the code as the module that the handler names', async () => {
      const source = python`
        import pickle, sys
        class Bolt:
            pass
        def preload():
            copy = pickle.loads(pickle.dumps(Bolt()))
            return [__name__, type(copy).__module__, sys.modules["bolted"].preload is preload]
      `
      expect((await run(source, { handler: 'bolted:preload' })).result()).toEqual({
        result: ['bolted', 'bolted', true],
      })
    })

    it('collects output files, artifacts in folders, and neither the result nor what the platform wrote', async () => {
      const source = python`
        import os
        def main():
            os.makedirs("/workspace/out/artifacts/plots/a")
            open("/workspace/out/artifacts/plots/a/p.svg", "w").write("<svg/>")
            open("/workspace/out/files/mesh.vtk", "w").write("# vtk")
            open("/workspace/out/files/empty.txt", "w")
            return {}
      `
      expect((await run(source)).files).toEqual({
        'artifact:plots/a/p.svg': '<svg/>',
        'output:mesh.vtk': '# vtk',
        'output:empty.txt': '',
      })
    })

    it('fails a run that leaves out a required file', async () => {
      const failure = await failureOf('def main(): return {}', {
        fileOutputs: { required: ['mesh'], optional: [] },
      })
      expect(failure).toMatchObject({
        failureCode: 'invalid_output',
        message: expect.stringContaining("'mesh'"),
      })
    })

    it('writes out files that the code forgot to close', async () => {
      const source = python`
        report = open("/workspace/out/artifacts/report.txt", "w")
        def main():
            report.write("kept")
            return {}
      `
      expect((await run(source)).files).toEqual({ 'artifact:report.txt': 'kept' })
    })
  })

  describe('logs and progress', () => {
    it('relays both streams while the run is under way', async () => {
      const release = new AbortController()
      const source =
        'import time, sys\ndef main():\n    print("début")\n    print("warn", file=sys.stderr)\n    time.sleep(60)'
      const ran = await run(source, {
        signal: release.signal,
        onLog: (line) => line.includes('warn') && release.abort(),
      })
      expect(ran).toMatchObject({ stdout: 'début\n', stderr: 'warn\n', outcome: { status: 'cancelled' } })
    })

    it('cuts the log at its limit, says so, and never holds the task up', async () => {
      const source = 'def main():\n    for _ in range(20000): print("x" * 50)\n    return 1'
      const ran = await run(source, { limits: { logBytes: 2_000, wallSeconds: 60 } })
      expect(ran.result()).toEqual({ result: 1 })
      expect(ran.stdout).toMatch(/\[the log was cut here: its limit is 2000 bytes\]\n$/)
      expect(ran.stdout.length).toBeLessThan(2_100)
    })

    it('does not cut a log of exactly its limit', async () => {
      const ran = await run('def main(): print("x" * 1999)', { limits: { logBytes: 2_000 } })
      expect(ran.stdout).toBe(`${'x'.repeat(1999)}\n`)
    })

    it('replaces what is not UTF-8', async () => {
      const ran = await run('import os\ndef main(): os.write(1, b"a\\xffb\\n")')
      expect(ran.stdout).toBe('a\ufffdb\n')
    })

    it('reports progress live, skipping what it cannot read', async () => {
      const release = new AbortController()
      const source = python`
        import json, time
        def main():
            with open("/workspace/out/progress.jsonl", "a") as file:
                for line in ('{"fraction": 0.5, "message": "half"}', "not json", '{"fraction": 7}', '{"eta_seconds": 3}'):
                    file.write(line + "\\n")
            time.sleep(60)
      `
      const ran = await run(source, {
        signal: release.signal,
        onProgress: (step) => step.eta_seconds === 3 && release.abort(),
      })
      expect(ran.progress).toEqual([{ fraction: 0.5, message: 'half' }, { eta_seconds: 3 }])
    })

    it('reports the progress of a run that was over at once', async () => {
      const source =
        'def main():\n    open("/workspace/out/progress.jsonl", "w").write(\'{"fraction": 1}\\n\')\n    return 1'
      expect((await run(source)).progress).toEqual([{ fraction: 1 }])
    })
  })

  describe('the code’s own failures', () => {
    it('tells an exception with the user’s traceback and nothing of ours', async () => {
      const failure = await failureOf('def inner(x):\n    return 1 / x\n\ndef main():\n    return inner(0)\n')
      expect(failure).toMatchObject({
        failureCode: 'user_error',
        message: 'ZeroDivisionError: division by zero',
      })
      const error = JSON.parse(failure.error ?? '') as Record<string, string>
      expect(error).toMatchObject({ error: 'division by zero', type: 'ZeroDivisionError' })
      expect(error['ts']).toMatch(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/)
      expect(error['traceback']).toContain('File "main.py", line 2, in inner\n    return 1 / x')
      expect(error['traceback']).not.toContain('task.py')
    })

    it.each([
      ['a syntax error', 'def main(:', 'SyntaxError'],
      ['a failing import', 'import nothing_like_it\ndef main(): pass', 'nothing_like_it'],
      ['a missing function', 'def solve(): pass', "no function 'main'; it has: solve"],
      ['a missing argument', 'def main(x): pass', "missing 1 required positional argument: 'x'"],
      ['sys.exit(0)', 'import sys\ndef main(): sys.exit(0)', 'sys.exit(0)'],
      ['os._exit(0)', 'import os\ndef main(): os._exit(0)', 'exit status 0'],
      ['KeyboardInterrupt', 'def main(): raise KeyboardInterrupt', 'KeyboardInterrupt'],
      ['endless recursion', 'def main(): return main()', 'RecursionError'],
      ['a crash', 'import ctypes\ndef main(): ctypes.string_at(0)', 'SIGSEGV, a crash in native code'],
      ['an abort', 'import os\ndef main(): os.abort()', 'in native code'],
      [
        'an exception that cannot be shown',
        'class E(Exception):\n    def __str__(self): raise ValueError\ndef main(): raise E',
        'E: ',
      ],
    ])('calls %s a user error', async (_, source, message) => {
      expect(await failureOf(source)).toMatchObject({
        failureCode: 'user_error',
        message: expect.stringContaining(message),
      })
    })

    it('shows the error file that the code left when it ended its process itself', async () => {
      const source = python`
        import json, os
        def main():
            with open("/workspace/out/_error.json", "w") as file:
                json.dump({"error": "no convergence", "type": "Solver", "traceback": "", "ts": ""}, file)
            os._exit(3)
      `
      const failure = await failureOf(source)
      expect(JSON.parse(failure.error ?? '')).toMatchObject({ error: 'no convergence' })
    })
  })

  describe('limits', () => {
    it('stops a run at its wall clock, also one that ignores signals', async () => {
      const started = performance.now()
      const source = python`
        import signal, time, os
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        def main():
            os.fork()
            while True: time.sleep(1)
      `
      const failure = await failureOf(source, { limits: { wallSeconds: 1, graceSeconds: 0.5 } })
      expect(failure).toMatchObject({
        failureCode: 'timeout',
        message: expect.stringContaining('limit is 1 s'),
      })
      expect(performance.now() - started).toBeLessThan(4_000)
    })

    it('lets a run end by itself within the grace', async () => {
      const source = python`
        import os, signal, sys, time
        def stop(*_):
            os.write(1, b"flushed\\n")
            sys.exit(143)
        def main():
            signal.signal(signal.SIGTERM, stop)
            print("waiting", flush=True)
            time.sleep(60)
      `
      const release = new AbortController()
      const ran = await run(source, {
        signal: release.signal,
        onLog: (line) => line.includes('waiting') && release.abort(),
      })
      expect(ran).toMatchObject({ outcome: { status: 'cancelled' }, stdout: 'waiting\nflushed\n' })
    })

    it('ends at once a run that does not care about signals', async () => {
      const release = new AbortController()
      const source = 'import time\ndef main():\n    print("waiting", flush=True)\n    time.sleep(60)'
      const started = performance.now()
      const ran = await run(source, {
        signal: release.signal,
        limits: { graceSeconds: 20 },
        onLog: () => release.abort(),
      })
      expect(ran.outcome.status).toBe('cancelled')
      expect(performance.now() - started).toBeLessThan(5_000)
    })

    it('cancels a run before it has begun', async () => {
      const ran = await run('def main(): return 1', { signal: AbortSignal.abort() })
      expect(ran.outcome.status).toBe('cancelled')
    })

    it('tells that memory ran out, and lets a run use what it has', async () => {
      const source = 'def main(mb):\n    block = bytearray(mb * 1024 * 1024)\n    return len(block)'
      const failure = await failureOf(source, { inputs: '{"mb": 300}', limits: { memoryMb: 128 } })
      expect(failure).toMatchObject({
        failureCode: 'out_of_memory',
        message: expect.stringContaining('its limit is 128 MB'),
      })
      const ran = await run(source, { inputs: '{"mb": 60}', limits: { memoryMb: 128 } })
      expect(ran.result()).toEqual({ result: 60 * 1024 * 1024 })
      expect(ran.outcome.usage.memoryPeakMb).toBeGreaterThan(60)
      expect(ran.outcome.usage.memoryPeakMb).toBeLessThan(128)
    })

    it('measures each run’s memory and processor time for itself', async () => {
      await run('def main():\n    block = bytearray(200 * 1024 * 1024)\n    sum(range(5_000_000))')
      const { usage } = (await run('def main(): return 1')).outcome
      expect(usage.memoryPeakMb).toBeLessThan(150)
      expect(usage.cpuSeconds).toBeLessThan(0.15)
    })

    it('gives no more processes than its limit', async () => {
      const source = python`
        import os, time
        def main(n):
            for _ in range(n):
                if os.fork() == 0:
                    time.sleep(60)
            return n
      `
      const failure = await failureOf(source, { inputs: '{"n": 64}', limits: { pids: 16 } })
      expect(failure).toMatchObject({
        failureCode: 'user_error',
        message: expect.stringContaining('processes'),
      })
      expect((await run(source, { inputs: '{"n": 8}', limits: { pids: 16 } })).result()).toEqual({
        result: 8,
      })
    })

    it('gives no more open files than its limit', async () => {
      const source = 'def main(n):\n    return len([open("/dev/null") for _ in range(n)])'
      const failure = await failureOf(source, { inputs: '{"n": 64}', limits: { openFiles: 32 } })
      expect(failure).toMatchObject({
        failureCode: 'user_error',
        message: expect.stringContaining('limit of open files'),
      })
      expect((await run(source, { inputs: '{"n": 20}', limits: { openFiles: 32 } })).result()).toEqual({
        result: 20,
      })
    })

    const writeFile = python`
      def main(path, mb):
          with open(path, "wb") as file:
              for _ in range(mb):
                  file.write(bytes(1024 * 1024))
          return mb
    `

    it.each([
      ['a file past its size', '/workspace/scratch/x', 4, { fileSizeMb: 3 }, 'disk_full'],
      ['scratch past its size', '/workspace/scratch/x', 6, { scratchMb: 5 }, 'disk_full'],
      ['/tmp, which shares it', '/tmp/x', 6, { scratchMb: 5 }, 'disk_full'],
      ['outputs past their size', '/workspace/out/artifacts/x', 6, { outputMb: 5 }, 'output_too_large'],
    ])('fails %s', async (_, path, mb, limits, failureCode) => {
      const inputs = (size: number) => JSON.stringify({ path, mb: size })
      expect(await failureOf(writeFile, { inputs: inputs(mb), limits })).toMatchObject({ failureCode })
      expect((await run(writeFile, { inputs: inputs(mb - 2), limits })).result()).toEqual({ result: mb - 2 })
    })

    it('fails a result that is too large', async () => {
      const source = 'def main(n): return "x" * n'
      const failure = await failureOf(source, { inputs: '{"n": 17000000}' })
      expect(failure).toMatchObject({ failureCode: 'output_too_large' })
    })
  })
}
