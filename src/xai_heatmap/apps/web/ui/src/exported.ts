import { mount } from 'svelte'
import App from './App.svelte'
import { LocalBackend, type Facts } from './backend/local'
import type { Part } from './local/worker'
import './style.css'

/** What an element holds; it is emptied, as it is large. */
function taken(id: string): string {
  const element = document.getElementById(id)!
  const text = element.textContent!
  element.remove()
  return text
}

const facts: Facts & { files?: Record<string, { url: string; bytes: number }> } = JSON.parse(document.getElementById('facts')!.textContent!)

/** A part of the page, within it or as a file beside it. */
function part(id: string): Part {
  const [file, text] = [facts.files?.[id], taken(id)]
  return file ? { ...file, url: new URL(file.url, document.baseURI).href } : text
}

const parts = { runtime: part('runtime'), wasm: part('wasm'), graph: part('graph') }
const backend = new LocalBackend(facts, taken('worker'), parts)
mount(App, { target: document.getElementById('app')!, props: { backend } })
Object.assign(window, { xaiHeatmap: backend }) // for scripts that ask the page itself
