import { describe, expect, it } from 'vitest'
import { type EngineUnderTest, python, useEngine } from './engine-under-test.ts'

/** Python's seed of hashes is drawn once for a sandbox: it tells one from another. */
const WHICH_SANDBOX = 'def main(): return hash("which sandbox is this?")'

/** A run finds nothing of an earlier one, though both were forks of the same process. */
export const describeResidue = (engine: EngineUnderTest) => {
  const { run, opened } = useEngine(engine, {
    warm: { minBlank: 0, maxBlank: 0 },
  })

  const expectNothing = async (leave: string, find: string, tenantId: string) => {
    const before = (await run(WHICH_SANDBOX, { tenantId })).result()
    await run(leave, { tenantId })
    const found = (await run(find, { tenantId })).result()
    expect((await run(WHICH_SANDBOX, { tenantId })).result()).toEqual(before)
    return found['result']
  }

  describe('residue', () => {
    it('finds no file', async () => {
      const places =
        '["/tmp", "/dev/shm", "/workspace/scratch", "/workspace/out/files", "/workspace/out/artifacts"]'
      const leave = `def main():\n    for place in ${places}: open(place + "/left", "w").write("x")`
      const find = `import os\ndef main(): return [name for place in ${places} for name in os.listdir(place)]`
      expect(await expectNothing(leave, find, 'files')).toEqual(['list.json'])
    })

    it('finds no variable, no patched module, no changed folder, nice value or mask', async () => {
      const leave = python`
        import builtins, json, os, sys
        def main():
            os.environ["LEFT"] = "x"
            json.dumps = builtins.open = lambda *a, **k: "patched"
            sys.modules["left"] = sys
            sys.path.append("/left")
            os.chdir("/")
            os.nice(5)
            os.umask(0)
      `
      const find = python`
        import builtins, json, os, sys
        def main():
            return [os.environ.get("LEFT"), json.dumps(1), builtins.open is open, "left" in sys.modules, "/left" in sys.path,
                    os.getcwd(), os.nice(0), os.umask(0)]
      `
      const found = await expectNothing(leave, find, 'process')
      expect(found).toEqual([null, '1', true, false, false, '/workspace/scratch', 0, 0o22])
    })

    it('finds nothing in its memory', async () => {
      const leave = python`
        secret = "SECRET-" + "of-the-earlier-run"
        def main(text):
            global kept
            kept = [secret + str(i) for i in range(10000)]
            return secret
      `
      const find = python`
        import re
        def main():
            needle, found = "-".join(["SECRET", "of", "the", "earlier", "run"]).encode(), 0
            with open("/proc/self/maps") as maps, open("/proc/self/mem", "rb", 0) as memory:
                for line in maps:
                    start, end, flags = re.match(r"(\\w+)-(\\w+) (\\S+)", line).groups()
                    if "r" not in flags or "[v" in line:
                        continue
                    try:
                        memory.seek(int(start, 16))
                        found += memory.read(int(end, 16) - int(start, 16)).count(needle)
                    except (OSError, OverflowError, ValueError):
                        pass
            return found - 1  # its own needle
      `
      const before = (await run(WHICH_SANDBOX, { tenantId: 'memory' })).result()
      await run(leave, { tenantId: 'memory', inputs: '{"text": "SECRET-of-the-earlier-run"}' })
      const ran = await run(find, { tenantId: 'memory' })
      expect(ran.result()['result']).toBeLessThanOrEqual(0)
      expect((await run(WHICH_SANDBOX, { tenantId: 'memory' })).result()).toEqual(before)
    })

    it('finds no process and no shared memory', async () => {
      const leave = python`
        import ctypes, os, time
        def main():
            libc = ctypes.CDLL(None, use_errno=True)
            assert libc.shmget(77, 4096, 0o1666) >= 0
            for _ in range(3):
                if os.fork() == 0:
                    os.setsid()
                    if os.fork() == 0:
                        time.sleep(60)
                    os._exit(0)
      `
      const find = python`
        import ctypes, os
        def main():
            libc = ctypes.CDLL(None, use_errno=True)
            return [[name for name in os.listdir("/proc") if name.isdigit()], libc.shmget(77, 4096, 0)]
      `
      expect(await expectNothing(leave, find, 'processes')).toEqual([['1'], -1])
    })

    it('finds no socket and no trace of traffic', async () => {
      const leave = python`
        import socket
        def main():
            server = socket.create_server(("127.0.0.1", 4567))
            client = socket.create_connection(("127.0.0.1", 4567))
            client.sendall(b"x" * 1000)
            other, _ = server.accept()
            other.close(), client.close()
            named = socket.socket(socket.AF_UNIX)
            named.bind("\\0left")
            named.listen()
            server6 = socket.create_server(("::1", 4568), family=socket.AF_INET6)
            return socket.create_connection(("::1", 4568)).getpeername()[1]
      `
      const find = python`
        import socket
        def main():
            named, taken = socket.socket(socket.AF_UNIX), []
            try:
                named.connect("\\0left")
                taken.append("left")
            except OSError:
                pass
            server = socket.create_server(("127.0.0.1", 4567), reuse_port=False)
            with open("/proc/self/net/dev") as file:
                loopback = next((line.split() for line in file if "lo:" in line), ["lo:", "0"])
            with open("/proc/self/net/tcp") as file:
                states = [line.split()[3] for line in file.readlines()[1:]]
            return [taken, loopback[1], sorted(states)]
      `
      expect(await expectNothing(leave, find, 'sockets')).toEqual([[], '0', ['0A']])
    })

    it('finds no descriptor but its own', async () => {
      const find = python`
        import os
        def main():
            found = []
            for name in os.listdir("/proc/self/fd"):
                try:
                    found.append((int(name), os.readlink(f"/proc/self/fd/{name}").split(":")[0]))
                except OSError:
                    pass
            return sorted(found)[:3] + [what for number, what in sorted(found)[3:] if what != "pipe"]
      `
      const found = await expectNothing(find, find, 'descriptors')
      expect(found).toEqual([
        [0, '/dev/null'],
        [1, 'pipe'],
        [2, 'pipe'],
      ])
    })

    it('draws other random numbers in every run', async () => {
      const source = python`
        import random, numpy, os, uuid
        def main():
            return [random.random(), numpy.random.random(), str(uuid.uuid4()), numpy.random.default_rng().random()]
      `
      const [one, other] = [await run(source), await run(source)].map(
        (ran) => ran.result()['result'] as unknown[],
      )
      one?.forEach((value, index) => {
        expect(value).not.toBe(other?.[index])
      })
    })

    it('shows nothing of what an earlier run still had to say', async () => {
      const leave = python`
        import os
        def main():
            if os.fork() == 0:
                while True:
                    os.write(1, b"late ")
            os._exit(0)
      `
      await run(leave, { tenantId: 'talk', limits: { logBytes: 1_024 } })
      expect((await run('def main(): print("mine")', { tenantId: 'talk' })).stdout).toBe('mine\n')
    })
  })

  describe('tenants', () => {
    it('gives a sandbox that served one tenant to no other', async () => {
      const which = async (tenantId: string) => (await run(WHICH_SANDBOX, { tenantId })).result()['result']
      const first = await which('one')
      expect(await which('other')).not.toBe(first)
      expect(await which('one')).toBe(first)
    })

    it('gives a run that asks for it a sandbox of its own', async () => {
      const which = async () =>
        (await run(WHICH_SANDBOX, { tenantId: 'shy', reuse: 'never' })).result()['result']
      expect(await which()).not.toBe(await which())
    })

    it('uses no sandbox again after an odd end', async () => {
      const which = async () => (await run(WHICH_SANDBOX, { tenantId: 'odd' })).result()['result']
      const first = await which()
      await run('import time\ndef main(): time.sleep(60)', {
        tenantId: 'odd',
        limits: { wallSeconds: 1, graceSeconds: 0 },
      })
      expect(await which()).not.toBe(first)
    })

    it('counts what it keeps', () => {
      const { blank, idle, total } = opened().count()
      expect(blank).toBe(0)
      expect(idle).toBeGreaterThan(0)
      expect(total).toBeGreaterThanOrEqual(idle)
    })
  })
}
