import { defineConfig } from 'vitest/config'

/** `npm test`: everything that needs no peer to be installed. */
export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/**/*.peers.test.ts'],
    globalSetup: ['test/services/run-postgres.ts'],
    pool: 'forks',
    testTimeout: 15_000,
    hookTimeout: 30_000,
  },
})
