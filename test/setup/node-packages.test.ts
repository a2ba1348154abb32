import { expect, test } from 'vitest'
import { listMissingPackages } from '../../setup/node-packages.mjs'

const wanted = {
  packages: {
    '': {},
    'node_modules/hono': { version: '4.13.19' },
    'node_modules/cli-darwin-arm64': { version: '2.0.0', optional: true },
  },
}

test('a clone is ready when every package is there in the version of the lock file', () => {
  const installed = { packages: { 'node_modules/hono': { version: '4.13.19' } } }
  expect(listMissingPackages(wanted, installed)).toEqual([])
})

test('a package in another version is missing', () => {
  const installed = { packages: { 'node_modules/hono': { version: '4.13.18' } } }
  expect(listMissingPackages(wanted, installed)).toEqual(['node_modules/hono'])
})

test('an optional package may be absent, but not stale', () => {
  const installed = {
    packages: {
      'node_modules/hono': { version: '4.13.19' },
      'node_modules/cli-darwin-arm64': { version: '1.9.0', optional: true },
    },
  }
  expect(listMissingPackages(wanted, installed)).toEqual(['node_modules/cli-darwin-arm64'])
})
