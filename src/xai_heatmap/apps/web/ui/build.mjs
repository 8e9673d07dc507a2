// The viewer as files that are served, and the report as one page; then the digest of what they are made of.
import { svelte } from '@sveltejs/vite-plugin-svelte'
import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { build } from 'vite'

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

const { version } = JSON.parse(readFileSync('node_modules/svelte/package.json', 'utf8'))
const licence = readFileSync('node_modules/svelte/LICENSE.md', 'utf8')
writeFileSync('../dist/licences.txt', `The scripts here contain parts of svelte ${version}, under the MIT licence:\n\n${licence}`)

// The same digest as hatch_build.py's, by which tests and packages know that dist is fresh.
const made = createHash('sha256')
const names = readdirSync('.', { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => (entry.parentPath === '.' ? '' : entry.parentPath + '/') + entry.name)
  .filter((name) => !name.split('/').some((part) => part === 'node_modules' || part === '.svelte-kit'))
for (const name of names.sort((a, b) => (a < b ? -1 : 1))) {
  const held = Buffer.from(readFileSync(name, 'utf8').replaceAll('\r\n', '\n'))
  made.update(Buffer.concat([Buffer.from(`${name}\0${held.length}\0`), held]))
}
writeFileSync('../dist/sources.sha256', made.digest('hex') + '\n')
