import { readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const source = fileURLToPath(new URL('../console/', import.meta.url))

/** A file of the console, as it is served. */
export interface ConsoleFile {
  /** From the root of the site; its page is at `/`, what it loads when it is needed below `/console/`. */
  readonly path: string
  readonly type: string
  readonly text: string
}

/** Its page runs and shows what comes from its own origin alone, speaks to nothing else, and stands in no frame. */
export const consoleHeaders: Readonly<Record<string, string>> = {
  'Content-Security-Policy': [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "connect-src 'self'",
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ].join('; '),
  'X-Content-Type-Options': 'nosniff',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
}

/** Bundles the console: its page, style sheet and script, and scripts which that loads later. Throws where it does not compile. */
export async function bundleConsole(): Promise<readonly ConsoleFile[]> {
  const { outputFiles } = await build({
    entryPoints: [
      { in: join(source, 'main.tsx'), out: 'console' },
      { in: join(source, 'console.css'), out: 'console' },
    ],
    outdir: '/',
    chunkNames: 'console/[name]-[hash]',
    bundle: true,
    splitting: true,
    minify: true,
    write: false,
    format: 'esm',
    target: 'es2023',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'silent',
  })
  return [
    { path: '/', type: 'text/html; charset=utf-8', text: readFileSync(join(source, 'index.html'), 'utf8') },
    ...outputFiles.map(({ path, text }) => ({ path, type: `${typeOf(path)}; charset=utf-8`, text })),
  ]
}

function typeOf(path: string): string {
  return path.endsWith('.css') ? 'text/css' : 'text/javascript'
}

/** Writes the console into a folder as Cloudflare serves one (`[assets]`), its headers with it. */
export async function writeConsole(folder: string): Promise<void> {
  const files = await bundleConsole()
  const headers = Object.entries(consoleHeaders).map(([name, value]) => `  ${name}: ${value}\n`)
  await rm(folder, { recursive: true, force: true })
  for (const { path, text } of files) {
    const file = join(folder, path === '/' ? 'index.html' : path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
  await writeFile(join(folder, '_headers'), `/*\n${headers.join('')}`)
}
