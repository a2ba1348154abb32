import type { Token } from './read-tokens.ts'
import type { SourceText } from './source-text.ts'

/** An import: any one of `modules` being allowed is enough; undefined when the name is only known at run time. */
export type Import = { modules: string[] | undefined; text: string; offset: number }

const NAME = /^[\p{L}\p{Nl}_][\p{L}\p{Nl}\p{M}\p{Nd}\p{Pc}]*$/u

/** Functions that import what their argument says, and the interpreter's own names that lead to them. */
const IMPORTERS = ['__import__', 'import_module']
const BACK_DOORS = ['__builtins__', '__loader__']
const RUN_TIME_NAMES = new RegExp([...IMPORTERS, ...BACK_DOORS].join('|'))

class ImportReader {
  readonly imports: Import[] = []
  readonly #source: SourceText
  readonly #tokens: readonly Token[]
  readonly #importers = new Set(IMPORTERS)

  constructor(tokens: readonly Token[], source: SourceText) {
    this.#source = source
    this.#tokens = tokens.filter(({ kind }) => kind !== 'Comment' && kind !== 'NonLogicalNewline')
  }

  /** Reads all of it; the names of run-time imports are looked for only where one occurs at all. */
  read(): Import[] {
    const everyName = RUN_TIME_NAMES.test(this.#source.normalized)
    for (let index = 0; index < this.#tokens.length; ) {
      const kind = this.#kind(index)
      if (kind === 'Import') index = this.#readImport(index)
      else if (kind === 'From') index = this.#readImportFrom(index)
      else if (kind === 'Identifier' && everyName) index = this.#readName(index)
      else index += 1
    }
    return this.imports
  }

  /** `import a.b as c, d` */
  #readImport(index: number): number {
    let at = index
    do {
      const start = at + 1
      const { name, next } = this.#dottedName(start)
      this.#add([name], `import ${name}`, start)
      at = this.#kind(next) === 'As' ? next + 2 : next
    } while (this.#kind(at) === 'Comma')
    return at
  }

  /** `from a.b import (c as d, e)`; a relative one names the task's own files and is nobody's business. */
  #readImportFrom(index: number): number {
    const dots = ['Dot', 'Ellipsis']
    let at = index + 1
    while (dots.includes(this.#kind(at))) at += 1
    const relative = at > index + 1
    const start = at
    const { name: parent, next } = this.#dottedName(at)
    // Not an import after all: `yield from`, `raise … from`.
    if (this.#kind(next) !== 'Import') return index + 1
    at = this.#kind(next + 1) === 'Lpar' ? next + 2 : next + 1
    if (this.#kind(at) === 'Star') {
      if (!relative) this.#add([parent], `from ${parent} import *`, start)
      return at + 1
    }
    for (let name = this.#name(at); name !== undefined; name = this.#name(at)) {
      if (!relative) this.#add([parent, `${parent}.${name}`], `from ${parent} import ${name}`, start)
      const renamed = this.#kind(at + 1) === 'As'
      if (renamed && name === 'import_module') this.#importers.add(this.#name(at + 2) ?? name)
      at += renamed ? 3 : 1
      if (this.#kind(at) !== 'Comma') break
      at += 1
    }
    return at
  }

  /** `__import__("a.b")` is as good as `import a.b`; any other use names its module too late for a check. */
  #readName(index: number): number {
    const name = this.#name(index) ?? ''
    if (BACK_DOORS.includes(name)) this.#add(undefined, name, index)
    else if (this.#importers.has(name) && this.#kind(index - 1) !== 'Def') {
      const called = this.#kind(index + 1) === 'Lpar' && ['Rpar', 'Comma'].includes(this.#kind(index + 3))
      const argument = called && this.#kind(index + 2) === 'String' ? this.#text(index + 2) : ''
      const module = /^(["'])([\w.]+)\1$/.exec(argument)?.[2]
      this.#add(module === undefined ? undefined : [module], name, index)
    }
    return index + 1
  }

  #add(modules: string[] | undefined, text: string, index: number) {
    this.imports.push({ modules, text, offset: this.#tokens[index]?.start ?? 0 })
  }

  #kind(index: number): string {
    return this.#tokens[index]?.kind ?? 'End'
  }

  #text(index: number): string {
    const token = this.#tokens[index]
    return token === undefined ? '' : this.#source.slice(token)
  }

  /** The identifier at `index`. Python compares them in NFKC: `ｏｓ` is `os`. */
  #name(index: number): string | undefined {
    if (['As', 'Import', 'End'].includes(this.#kind(index))) return undefined
    const text = this.#text(index).normalize('NFKC')
    return NAME.test(text) ? text : undefined
  }

  #dottedName(index: number): { name: string; next: number } {
    const names: string[] = []
    let at = index
    for (let name = this.#name(at); name !== undefined; name = this.#name(at)) {
      names.push(name)
      at += 1
      if (this.#kind(at) !== 'Dot') break
      at += 1
    }
    return { name: names.join('.'), next: at }
  }
}

/**
 * Every import of a source, from the tokens of Ruff's parser. `import` is a keyword wherever it stands, so once the parser
 * accepts the source no statement can hide one. (Ruff's tree says the same, but only as a listing that takes 30 times as
 * long to print, and minutes for a hostile source.)
 */
export const findImports = (tokens: readonly Token[], source: SourceText): Import[] =>
  new ImportReader(tokens, source).read()
