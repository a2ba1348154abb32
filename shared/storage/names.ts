import { PlatformError } from '../errors.ts'

/** What every file system holds; the last piece of a key is a file's name. */
const MAX_NAME_BYTES = 255
/** The limit of S3. */
const MAX_KEY_BYTES = 1024

/** `C:` and `\` leave the folder that a colleague on Windows saves to. */
const SEPARATORS = /[/\\:]/
const CONTROLS = /[\p{Cc}\p{Zl}\p{Zp}]/u
/** They make a name read as another: `cod.exe` shown as `exe.doc`. */
const DIRECTION_MARKS = /[\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/
/** Windows opens the device, whatever the extension. */
const DEVICES = /^(con|prn|aux|nul|conin\$|conout\$|com[\d¹²³]|lpt[\d¹²³])\s*(\.|$)/i
const UNPRINTABLE = /[\p{C}\p{Zl}\p{Zp}]/gu
const SHOWN_CHARACTERS = 80

/** A name as it may be shown in a message or a log: short, on one line, with nothing that moves the cursor. */
export const quoteName = (name: string): string => {
  const shown = name.length > SHOWN_CHARACTERS ? `${name.slice(0, SHOWN_CHARACTERS)}…` : name
  return `'${shown.replace(UNPRINTABLE, (character) => `\\u{${character.codePointAt(0)?.toString(16)}}`)}'`
}

const findFault = (name: string): string | undefined => {
  if (name === '') return 'is empty'
  if (name === '.' || name === '..') return 'is a folder'
  if (!name.isWellFormed()) return 'is not Unicode text'
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `is longer than ${MAX_NAME_BYTES} bytes`
  if (SEPARATORS.test(name)) return 'has a slash, a backslash or a colon in it'
  if (CONTROLS.test(name)) return 'has a control character in it'
  if (DIRECTION_MARKS.test(name)) return 'has a mark in it that turns the direction of writing'
  // Two spellings of one visible name would be two objects here and one file on macOS.
  if (name !== name.normalize('NFC')) return 'is not in Unicode normal form C'
  // Windows drops them, so that `a` and `a.` become one file.
  if (name !== name.trim() || name.endsWith('.')) return 'begins or ends with a space, or ends with a dot'
  if (DEVICES.test(name)) return 'is the name of a device on Windows'
  return undefined
}

/**
 * Refuses a file name that could do harm where it is saved: here, or on the computer of whoever downloads it.
 *
 * @throws `INVALID`, saying why
 */
export const checkFileName = (name: string): void => {
  const fault = findFault(name)
  if (fault) throw new PlatformError('INVALID', `The file name ${quoteName(name)} ${fault}: rename the file.`)
}

/**
 * Refuses what is not file names joined by `/`: then no key has `..`, an empty piece or a slash at either end.
 *
 * @throws `INVALID`, saying why
 */
export const checkKey = (key: string): void => {
  if (Buffer.byteLength(key) > MAX_KEY_BYTES) {
    throw new PlatformError('INVALID', `The key ${quoteName(key)} is longer than ${MAX_KEY_BYTES} bytes.`)
  }
  for (const name of key.split('/')) checkFileName(name)
}

/** Refuses a prefix that is not a folder: `''`, or a key followed by `/`. */
export const checkPrefix = (prefix: string): void => {
  if (prefix === '') return
  if (!prefix.endsWith('/')) {
    throw new PlatformError('INVALID', `The prefix ${quoteName(prefix)} does not end in a slash.`)
  }
  checkKey(prefix.slice(0, -1))
}
