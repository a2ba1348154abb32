import { z } from 'zod'

const Problem = z.object({
  detail: z.string(),
  errors: z.array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() })).default([]),
})

/** Puts an RFC 9457 answer in one sentence: its status, its detail and every fault of the input. */
export const describeProblem = async (response: Response): Promise<string> => {
  const text = await response.text()
  const problem = Problem.safeParse(parseJson(text))
  if (!problem.success) return `status ${response.status} ${text.slice(0, 200)}`.trim()
  const { detail, errors } = problem.data
  const faults = errors.map(({ loc, msg }) => `${loc.join('.')}: ${msg}`)
  return [`${detail} (${response.status})`, ...faults].join('; ')
}

const parseJson = (text: string): unknown => {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
