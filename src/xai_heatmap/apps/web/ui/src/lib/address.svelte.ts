// The address says what is shown: reload, back, forward and a copied link go through it.

import type { Session } from '../session.svelte'

/** Keep the address and the session at one; to be called while a component is made. */
export function follow(session: Session): () => Promise<void> {
  let written = location.hash.slice(1)
  $effect(() => {
    const own = session.address
    if (!session.model || !session.picture || own === written) return
    const before = new URLSearchParams(written).get('img')
    const other = before !== null && before !== session.picture.id
    written = own
    history[other ? 'pushState' : 'replaceState'](null, '', '#' + own)
  })
  return async () => {
    const asked = new URLSearchParams(location.hash.slice(1))
    if (asked.toString() === written || !session.model) return
    written = asked.toString()
    const model = asked.get('model')
    if (model && model !== session.model.id) await session.choose(model)
    session.read(asked)
    const wanted = asked.get('img')
    if (wanted && wanted !== session.picture?.id) await session.sample(wanted)
    else await session.compute()
  }
}

export function themed(): { readonly sign: string; turn: () => void } {
  const after: Record<string, string> = { '': 'dark', dark: 'light', light: '' }
  const signs: Record<string, string> = { '': '◐', dark: '●', light: '○' }
  let theme = $state(stored())
  $effect(() => {
    if (theme) document.documentElement.dataset.theme = theme
    else delete document.documentElement.dataset.theme
  })
  return {
    get sign() {
      return signs[theme]
    },
    turn() {
      theme = after[theme]
      try {
        localStorage.setItem(KEY, theme)
      } catch {
        // a page from disk may have no store: its colours last as long as it does
      }
    },
  }
}

const KEY = 'xai-heatmap-theme'

function stored(): string {
  try {
    return localStorage.getItem(KEY) ?? ''
  } catch {
    return ''
  }
}
