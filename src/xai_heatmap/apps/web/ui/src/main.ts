import { mount } from 'svelte'
import App from './App.svelte'
import { WsBackend } from './backend/ws'
import './style.css'

mount(App, { target: document.getElementById('app')!, props: { backend: new WsBackend() } })
