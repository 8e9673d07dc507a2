// The viewer as files that are served, the report and the page with a network inside as one page each;
// then the digest of what they are made of.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { createHash } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
import { build } from 'vite'

const REPORT = '../../../render/viewer/report.html'
const EXPORTED = '../../../render/viewer/exported.html'
const plain = { configFile: false, logLevel: 'warn', plugins: [svelte({ configFile: false })] }

await build({
  ...plain,
  base: '/',
  build: {
    outDir: '../dist', emptyOutDir: true, target: 'es2022', modulePreload: false, assetsInlineLimit: 0,
    rollupOptions: { output: {
      entryFileNames: 'assets/app-[hash].js', chunkFileNames: 'assets/[name]-[hash].js', assetFileNames: 'assets/[name]-[hash][extname]',
    } },
  },
})

// A report: one page with its script and style within, and slots for title and data. A page with a
// network: the same, and the script of its worker as text.
const made = async (entry, format, more) => {
  const lib = { entry, formats: [format], name: 'page' }
  const [answer] = [await build({ ...plain, build: { write: false, target: 'es2022', modulePreload: false, cssCodeSplit: false, lib, ...more } })].flat()
  const part = (ending) => answer.output.find((one) => one.fileName.endsWith(ending))
  const script = part('js').code.trim()
  if (/<\/script/i.test(script) || /<!--[^]*<script/i.test(script)) throw new Error(`The script of ${entry} would end its own element.`)
  return { script, style: String(part('.css')?.source ?? '').trim() }
}
mkdirSync('../../../render/viewer', { recursive: true })
async function page(entry, template, path, more = {}) {
  const { script, style } = await made(entry, 'iife')
  const hash = createHash('sha256').update(script).digest('base64')
  const slots = { 'SCRIPT-HASH': `sha256-${hash}`, 'STYLE-SLOT': style, 'SCRIPT-SLOT': script, ...more }
  writeFileSync(path, readFileSync(template, 'utf8').replace(/SCRIPT-HASH|STYLE-SLOT|SCRIPT-SLOT|WORKER-SLOT/g, (slot) => slots[slot]))
}
await page('src/report.ts', 'report.html', REPORT)
const worker = await made('src/local/worker.ts', 'iife')
await page('src/exported.ts', 'exported.html', EXPORTED, { 'WORKER-SLOT': worker.script })

const { version } = JSON.parse(readFileSync('node_modules/svelte/package.json', 'utf8'))
const licence = readFileSync('node_modules/svelte/LICENSE.md', 'utf8')
writeFileSync('../dist/licences.txt', `The scripts here contain parts of svelte ${version}, under the MIT licence:\n\n${licence}`)

// The same digests as hatch_build.py's, by which tests and packages know that what is built is fresh.
function digest(folder, more = []) {
  const made = createHash('sha256')
  const names = readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => relative(folder, join(entry.parentPath, entry.name)).split(sep).join('/'))
    .filter((name) => !name.split('/').some((part) => LEFT_OUT.has(part)))
    .sort((a, b) => (a < b ? -1 : 1))
  for (const [name, path] of [...names.map((name) => [name, `${folder}/${name}`]), ...more]) {
    const held = Buffer.from(readFileSync(path, 'utf8').replaceAll('\r\n', '\n'))
    made.update(Buffer.concat([Buffer.from(`${name}\0${held.length}\0`), held]))
  }
  return made.digest('hex')
}

const LEFT_OUT = new Set(['node_modules', '.svelte-kit', 'sources.sha256'])
const digests = [digest('.'), digest('../dist', [['report.html', REPORT], ['exported.html', EXPORTED]])]
writeFileSync('../dist/sources.sha256', digests.join('\n') + '\n')
