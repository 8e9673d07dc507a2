// What of the page stands in its address: read from there, and written there.

import { MODES, type State, type View } from '../state.svelte'
import type { Model } from '../backend/types'
import { PALETTES } from './palettes'

const VIEWS: readonly View[] = ['image', 'compare', 'live']

/** What the address says; what it does not say is as the model has it. */
export function readInto(state: State, asked: URLSearchParams) {
  const model = state.model!
  const one = <T extends string>(name: string, among: readonly T[], usual: T) =>
    among.includes(asked.get(name) as T) ? (asked.get(name) as T) : usual
  const methods = model.methods.map((m) => m.name)
  state.method = one('method', methods, model.defaults.method || methods[0])
  state.layer = one('layer', model.layers.map((l) => l.name), usualLayer(model))
  state.target = asked.get('class') ?? ''
  const { can } = state.backend
  state.against = can.contrast ? (asked.get('vs') ?? '') : ''
  const views = VIEWS.filter((view) => view === 'image' || can[view])
  state.view = one<View>('view', views, 'image')
  state.mode = one('mode', MODES, 'overlay')
  state.palette = one('palette', PALETTES, 'inferno')
  state.opacity = Number(asked.get('opacity') ?? 85) / 100
  state.cells = asked.get('cells') === '1'
  state.outlined = asked.get('outline') !== '0'
  state.slice = Number(asked.get('slice') ?? 0)
  try {
    state.options = JSON.parse(asked.get('options') ?? '{}')
  } catch {
    state.options = {}
  }
}

/** The same as words of an address, without what is as usual. */
export function addressOf(state: State): string {
  const model = state.model
  const said: Record<string, string | false | undefined> = {
    img: state.picture?.id,
    model: model && model.models.length > 1 && model.id,
    layer: state.layer,
    class: state.target,
    vs: state.against,
    method: state.method,
    options: Object.keys(state.options).length > 0 && JSON.stringify(state.options),
    view: state.view !== 'image' && state.view,
    mode: state.mode !== 'overlay' && state.mode,
    palette: state.palette !== 'inferno' && state.palette,
    opacity: state.opacity !== 0.85 && String(Math.round(100 * state.opacity)),
    cells: state.cells && '1',
    outline: !state.outlined && '0',
    slice: state.slice > 0 && String(state.slice),
  } as Record<string, string | false | undefined>
  const kept = Object.entries(said).filter(([, value]) => value) as [string, string][]
  return new URLSearchParams(kept).toString()
}

function usualLayer(model: Model): string {
  return model.defaults.layer || (model.layers.findLast((l) => l.explainable)?.name ?? '')
}
