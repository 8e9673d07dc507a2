import { mount } from 'svelte'
import { PageBackend } from './backend/page'
import Report from './Report.svelte'
import './style.css'

const held = JSON.parse(document.getElementById('data')!.textContent!)
mount(Report, { target: document.getElementById('app')!, props: { backend: new PageBackend(held) } })
