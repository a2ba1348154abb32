import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'
import { z } from 'zod'
import { parseExactJson } from './exact-json.ts'

const Task = z.object({
  name: z.string(),
  handler: z.string(),
  estimated_seconds: z.number().positive(),
  inputs: z.record(z.string(), z.unknown()),
  /** Input port → file beside `task.json`. */
  files: z.record(z.string(), z.string()).default({}),
})

const ExpectedValue = z
  .strictObject({
    name: z.string(),
    /** Where the value stands in the result: `reactions_kn.pin.1`. */
    path: z.string(),
    unit: z.string(),
    expected: z.number(),
    relative_tolerance: z.number().positive().optional(),
    absolute_tolerance: z.number().positive().optional(),
    /** The book, standard or closed form that it comes from. */
    source: z.string().min(1),
  })
  .refine((value) => (value.relative_tolerance === undefined) !== (value.absolute_tolerance === undefined), {
    message: 'give either relative_tolerance or absolute_tolerance',
  })

const Expected = z.strictObject({
  title: z.string(),
  values: z.array(ExpectedValue).min(1),
  artifacts: z.array(z.strictObject({ name: z.string(), starts_with: z.string() })),
})

type Expected = z.infer<typeof Expected>
export type ExpectedValue = z.infer<typeof ExpectedValue>

export type Example = {
  /** The folder's name. */
  name: string
  task: z.infer<typeof Task>
  expected: Expected
  /** Input port → path of the file to upload. */
  files: Record<string, string>
  /** The body of `POST /tasks`, once the input files have upload ids; the inputs keep their spelling. */
  describeTask(uploadIds: Record<string, string>): string
}

const readExample = async (folder: string, name: string): Promise<Example> => {
  const read = (file: string) => readFile(join(folder, file), 'utf8')
  const [code, taskText, expectedText] = await Promise.all([
    read('main.py'),
    read('task.json'),
    read('expected.json'),
  ])
  const task = Task.parse(JSON.parse(taskText))
  const exact = parseExactJson(taskText) as object
  return {
    name,
    task,
    expected: Expected.parse(JSON.parse(expectedText)),
    files: Object.fromEntries(Object.entries(task.files).map(([port, file]) => [port, join(folder, file)])),
    describeTask: (uploadIds) => JSON.stringify({ ...exact, code, files: uploadIds }),
  }
}

/** Reads every example of a folder (those that hold a `task.json`), the shortest first. */
export const readExamples = async (folder: string): Promise<Example[]> => {
  const found = await readdir(folder, { recursive: true })
  const names = found
    .filter((path) => /^[^/]+\/task\.json$/.test(path))
    .map((path) => path.split('/')[0] ?? '')
  const examples = await Promise.all(names.map((name) => readExample(join(folder, name), name)))
  return examples.sort(
    (a, b) => a.task.estimated_seconds - b.task.estimated_seconds || a.name.localeCompare(b.name),
  )
}
