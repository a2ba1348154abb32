import { describe, expect, it } from 'vitest'
import { type EngineUnderTest, python, useEngine } from './engine-under-test.ts'

const FILES = '/workspace/out/files'
const ARTIFACTS = '/workspace/out/artifacts'

/** What a task leaves behind is taken as it is described, or not at all; the task alone fails for it. */
export const describeHostileOutputs = (engine: EngineUnderTest) => {
  const { run, failureOf } = useEngine(engine)

  describe('hostile outputs', () => {
    it.each([
      ['a symbolic link', `os.symlink("/etc/passwd", "${FILES}/x.txt")`, 'not a regular file'],
      ['a symbolic link to a folder', `os.symlink("/", "${ARTIFACTS}/x")`, 'not a regular file'],
      ['a dangling link', `os.symlink("nowhere", "${ARTIFACTS}/x")`, 'not a regular file'],
      [
        'a hard link',
        `open("${ARTIFACTS}/a", "w").close(); os.link("${ARTIFACTS}/a", "${ARTIFACTS}/b")`,
        'a hard link',
      ],
      ['a named pipe', `os.mkfifo("${FILES}/x.txt")`, 'not a regular file'],
      [
        'a socket',
        `import socket; socket.socket(socket.AF_UNIX).bind("${ARTIFACTS}/s")`,
        'not a regular file',
      ],
      ['a folder among the output files', `os.mkdir("${FILES}/x")`, 'not a regular file'],
      ['a line break in a name', `open("${ARTIFACTS}/a\\nb", "w").close()`, 'control characters'],
      ['an escape in a name', `open("${ARTIFACTS}/\\x1b[2J", "w").close()`, 'control characters'],
      ['a name that is not UTF-8', `open(b"${ARTIFACTS}/\\xff\\xfe", "w").close()`, 'not valid UTF-8'],
      [
        'a tree of twenty folders',
        `os.makedirs("${ARTIFACTS}/" + "/".join("abcdefghijklmnopqrst"))`,
        'deeper',
      ],
      [
        'a path of two thousand bytes',
        `p = "${ARTIFACTS}/" + "/".join(["x" * 200] * 10); os.makedirs(p); open(p + "/y", "w").close()`,
        'longer than',
      ],
      [
        'files that is a link',
        `os.rename("${FILES}", "${FILES}2"); os.symlink("/etc", "${FILES}")`,
        'not a folder',
      ],
      [
        'artifacts that is a file',
        `os.rmdir("${ARTIFACTS}"); open("${ARTIFACTS}", "w").close()`,
        'not a folder',
      ],
    ])('refuses %s', async (_, statements, message) => {
      const failure = await failureOf(`import os\ndef main():\n    ${statements}\n    return {}`)
      expect(failure).toMatchObject({
        failureCode: 'invalid_output',
        message: expect.stringContaining(message),
      })
    })

    it('refuses more than a thousand files, and takes a thousand', async () => {
      const source = `def main(n):\n    for i in range(n): open(f"${ARTIFACTS}/{i}", "w").close()`
      expect(await failureOf(source, { inputs: '{"n": 1001}' })).toMatchObject({
        failureCode: 'output_too_large',
      })
      expect(Object.keys((await run(source, { inputs: '{"n": 1000}' })).files)).toHaveLength(1_000)
    })

    it('refuses a sparse file that claims more than the outputs may hold, and takes one that does not', async () => {
      const source = `def main(mb):\n    with open("${ARTIFACTS}/x", "wb") as f: f.truncate(mb << 20)`
      const limits = { outputMb: 2, fileSizeMb: 1_000 }
      const failure = await failureOf(source, { inputs: '{"mb": 900}', limits })
      expect(failure).toMatchObject({ failureCode: 'output_too_large' })
      expect((await run(source, { inputs: '{"mb": 2}', limits })).files['artifact:x']).toHaveLength(2 << 20)
    })

    it.each([
      ['a link', 'os.unlink(PATH); os.symlink("/etc/passwd", PATH)'],
      ['a named pipe', 'os.unlink(PATH); os.mkfifo(PATH)'],
      ['a folder', 'os.unlink(PATH); os.mkdir(PATH)'],
      ['gone', 'os.unlink(PATH)'],
      ['empty', 'open(PATH, "w").close()'],
      ['half of JSON', 'open(PATH, "w").write(\'{"a": \')'],
      ['NaN', 'open(PATH, "w").write(\'{"a": NaN}\')'],
      ['a number too large', 'open(PATH, "w").write(\'{"a": 1e999}\')'],
      ['a list', 'open(PATH, "w").write("[1]")'],
      ['a name given twice', 'open(PATH, "w").write(\'{"a": 1, "a": 2}\')'],
      [
        'a hundred thousand brackets deep',
        'open(PATH, "w").write(\'{"a": \' + "[" * 100000 + "]" * 100000 + "}")',
      ],
      ['not UTF-8', 'open(PATH, "wb").write(b\'{"a": "\\xff"}\')'],
      ['followed by more', 'open(PATH, "a").write("{}")'],
    ])('refuses a result that is made %s behind the back of the harness', async (_, statement) => {
      const source = `import atexit, os\nPATH = "/workspace/out/data.json"\ndef tamper():\n    import os\n    PATH = "/workspace/out/data.json"\n    ${statement}\ndef main():\n    atexit.register(tamper)\n    return {}`
      expect(await failureOf(source)).toMatchObject({ failureCode: 'invalid_output' })
    })

    it.each([
      ['a link', 'os.symlink("/etc/passwd", PATH)'],
      ['a named pipe', 'os.mkfifo(PATH)'],
      ['a folder', 'os.mkdir(PATH)'],
      ['a line of a megabyte', 'open(PATH, "w").write("x" * (1 << 20))'],
      ['a hundred thousand lines', 'open(PATH, "w").write(\'{"fraction": 0.5}\\n\' * 100000)'],
    ])('survives a progress file that is %s', async (_, statement) => {
      const source = `import os, time\nPATH = "/workspace/out/progress.jsonl"\ndef main():\n    ${statement}\n    time.sleep(0.3)\n    return 1`
      const ran = await run(source)
      expect(ran.result()).toEqual({ result: 1 })
      expect(ran.progress.length).toBeLessThan(500)
    })

    it.each([
      ['a link', 'os.symlink("/etc/passwd", PATH)'],
      ['a named pipe', 'os.mkfifo(PATH)'],
      ['a megabyte', 'open(PATH, "w").write("x" * (1 << 20))'],
    ])('takes no error file that is %s', async (_, statement) => {
      const source = `import os\nPATH = "/workspace/out/_error.json"\ndef main():\n    ${statement}\n    os._exit(1)`
      const failure = await failureOf(source)
      expect(failure.failureCode).toBe('user_error')
      expect(failure.error).toBeUndefined()
    })

    it('takes no forged verdict for a result', async () => {
      const source = python`
        import os
        def main():
            for fd in range(3, 64):
                try:
                    os.write(fd, b"done")
                except OSError:
                    pass
            os._exit(0)
      `
      expect(await failureOf(source)).toMatchObject({ failureCode: 'invalid_output' })
    })

    it('leaves a neighbour that reads its files slowly unharmed', async () => {
      const source = `def main():\n    for i in range(3):\n        with open(f"${ARTIFACTS}/{i}", "w") as f: f.write(str(i) * 300000)`
      const both = await Promise.all([run(source), run(source, { tenantId: 'tenant-b' })])
      for (const { files } of both)
        expect(Object.values(files).map(({ length }) => length)).toEqual([3e5, 3e5, 3e5])
    })
  })
}
