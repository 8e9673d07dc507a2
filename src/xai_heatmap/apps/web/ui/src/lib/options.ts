// A method's options as fields of a form, from their JSON schema.

import type { Method, Schema } from '../backend/types'

export interface Field {
  name: string
  kind: 'number' | 'integer' | 'boolean' | 'choice' | 'text'
  choices: unknown[]
  usual: unknown
  help: string
  least?: number
  most?: number
}

export function fields(method: Method): Field[] {
  return Object.entries(method.options?.properties ?? {}).map(([name, schema]) => field(name, schema))
}

function field(name: string, schema: Schema): Field {
  const ways = [schema, ...(schema.anyOf ?? [])]
  const first = <T>(read: (way: Schema) => T | undefined) => ways.map(read).find((own) => own !== undefined)
  const types = ways.flatMap((way) => way.type ?? [])
  const choices = first((way) => way.enum) ?? []
  const kind = choices.length
    ? 'choice'
    : (['boolean', 'integer', 'number'] as const).find((own) => types.includes(own)) ?? 'text'
  return {
    name, kind, choices, usual: schema.default,
    help: schema.description ?? '',
    least: first((way) => way.minimum ?? way.exclusiveMinimum),
    most: first((way) => way.maximum ?? way.exclusiveMaximum),
  }
}

/** What was typed as the value it stands for; nothing where it is what is usual anyway. */
export function typed(field: Field, text: string): unknown {
  if (text === '' || text === words(field.usual)) return undefined
  if (field.kind === 'choice') return field.choices.find((own) => words(own) === text)
  if (field.kind === 'boolean') return text === 'true'
  if (field.kind === 'integer' || field.kind === 'number') return Number(text)
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}

export function words(value: unknown): string {
  if (value === undefined || value === null) return ''
  return typeof value === 'string' ? value : JSON.stringify(value)
}

/** Prose without the marks of code in it. */
export function plain(prose: string): string {
  return prose.replaceAll('`', '')
}
