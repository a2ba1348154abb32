/**
 * `node .ci/count.mjs STATUS REPORT`: prints how many tests passed and failed, as two numbers. The report is Vitest's
 * JSON, or what the demo printed. Whatever else went wrong is one failure: a test file that could not be read, a
 * command that ended badly with all its tests passed, a report that is missing or empty.
 *
 * @module
 */
import { readFileSync } from 'node:fs'

/** @typedef {{ testResults: { status: string, assertionResults: { status: string }[] }[] }} VitestReport */

const countDemo = (/** @type {string} */ printed) => {
  const [, passed = 0, all = 0] = /(\d+) of (\d+) calculations as expected/.exec(printed) ?? []
  return { passed: Number(passed), failed: Number(all) - Number(passed) }
}

const countTests = (/** @type {VitestReport} */ { testResults }) => {
  let passed = 0
  let failed = 0
  for (const { status, assertionResults } of testResults) {
    const failures = assertionResults.filter((test) => test.status === 'failed').length
    passed += assertionResults.filter((test) => test.status === 'passed').length
    failed += status === 'failed' ? Math.max(1, failures) : failures
  }
  return { passed, failed }
}

const count = (/** @type {string} */ path) => {
  try {
    const report = readFileSync(path, 'utf8')
    return path.endsWith('.json') ? countTests(JSON.parse(report)) : countDemo(report)
  } catch {
    return { passed: 0, failed: 0 }
  }
}

const [status, path = ''] = process.argv.slice(2)
const { passed, failed } = count(path)
console.log(passed, failed === 0 && (status !== '0' || passed === 0) ? 1 : failed)
