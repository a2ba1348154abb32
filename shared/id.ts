import * as crypto from 'node:crypto'

// Node 24 has it; its type package does not name it yet.
const { randomUUIDv7 } = crypto as typeof crypto & { randomUUIDv7(): string }

/** A new id (UUID version 7, RFC 9562): later ids sort later, and 74 bits of each are random. */
export const createId = (): string => randomUUIDv7()

export const ID_PATTERN = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/
