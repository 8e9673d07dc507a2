import { mount } from 'svelte'
import App from './App.svelte'
import { LocalBackend } from './backend/local'
import './style.css'

/** What an element holds; it is emptied, as it is large. */
function taken(id: string): string {
  const element = document.getElementById(id)!
  const text = element.textContent!
  element.remove()
  return text
}

const facts = JSON.parse(document.getElementById('facts')!.textContent!)
const parts = { runtime: taken('runtime'), wasm: taken('wasm'), graph: taken('graph') }
const backend = new LocalBackend(facts, taken('worker'), parts)
mount(App, { target: document.getElementById('app')!, props: { backend } })
Object.assign(window, { xaiHeatmap: backend }) // for scripts that ask the page itself
