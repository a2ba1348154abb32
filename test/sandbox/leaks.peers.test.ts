import Docker from 'dockerode'
import { afterAll, beforeAll, describe } from 'vitest'
import { goToolPath } from '../../setup/go-tools.mjs'
import { describeLeftovers } from './leftovers.ts'
import { type Dockerd, runDockerd } from './run-dockerd.ts'

describe('bubblewrap', () => describeLeftovers({ engine: 'bubblewrap' }, 1_000))

describe('runc', () => describeLeftovers({ engine: 'runc' }, 100))

describe('gVisor', () =>
  describeLeftovers({ engine: 'runsc', configure: () => ({ enginePath: goToolPath('runsc') }) }, 60))

describe('Docker', () => {
  let dockerd: Dockerd | undefined
  beforeAll(async () => {
    dockerd = await runDockerd()
  })
  afterAll(() => dockerd?.stop())
  const configure = () => ({ dockerSocket: dockerd?.socketPath ?? '' })
  const listContainers = async () => {
    const docker = new Docker({ socketPath: dockerd?.socketPath ?? '' })
    return (await docker.listContainers({ all: true })).flatMap(({ Names }) => Names)
  }
  describeLeftovers({ engine: 'docker', configure }, 60, listContainers)
})
