import { defineConfig } from 'vitest/config'

/** `npm run test:peers`: the same rules against the real services of production. A missing peer is a failure. */
export default defineConfig({
  test: {
    include: ['test/**/*.peers.test.ts'],
    globalSetup: ['test/services/report-peers.ts', 'test/services/run-postgres.ts'],
    pool: 'forks',
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
})
