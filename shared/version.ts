import manifest from '../package.json' with { type: 'json' }

/** The release that this process is. */
export const VERSION: string = manifest.version
