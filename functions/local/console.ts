import { readFileSync } from 'node:fs'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build, type Metafile } from 'esbuild'

const source = fileURLToPath(new URL('../console/', import.meta.url))

/** A file of the console, as it is served. */
export interface ConsoleFile {
  /** From the root of the site; its page is at `/`, parts of its script which are fetched when they are needed below `/console/`. */
  readonly path: string
  readonly type: string
  readonly text: string
}

/**
 * Its page runs and shows what comes from its own origin alone, speaks to nothing else but the relays where its phone registers
 * (`SIP_WS_URLS`), and stands in no frame.
 */
export function consoleHeaders(webSockets: readonly string[] = []): Readonly<Record<string, string>> {
  const policy = [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    ["connect-src 'self'", ...webSockets].join(' '),
    'img-src data:',
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
    "require-trusted-types-for 'script'",
    "trusted-types 'none'",
  ]
  return {
    'Content-Security-Policy': policy.join('; '),
    'X-Content-Type-Options': 'nosniff',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
  }
}

/** Bundles the console: a page with its style sheet, a script, and one more for each screen beyond. Throws where it does not compile. */
export async function bundleConsole(): Promise<readonly ConsoleFile[]> {
  const { outputFiles, metafile } = await build({
    entryPoints: [
      { in: join(source, 'main.tsx'), out: 'console' },
      { in: join(source, 'console.css'), out: 'console' },
    ],
    entryNames: '[name]',
    chunkNames: 'console/[name]-[hash]',
    outdir: '/',
    absWorkingDir: '/',
    bundle: true,
    splitting: true,
    metafile: true,
    minify: true,
    // JsSIP was written for Node's modules.
    define: { global: 'globalThis' },
    write: false,
    format: 'esm',
    target: 'es2023',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    logLevel: 'silent',
  })
  const files = outputFiles.map(({ path, text }) => ({ path: path.replaceAll('\\', '/'), text }))
  return [
    { path: '/', type: 'text/html; charset=utf-8', text: pageWith(neededAtOnce(metafile)) },
    ...files.map((file) => ({ ...file, type: typeOf(file.path) })),
  ]
}

function typeOf(path: string): string {
  return path.endsWith('.css') ? 'text/css; charset=utf-8' : 'text/javascript; charset=utf-8'
}

/** The scripts which the first one imports: the page names them, so that they are fetched beside it and not after. */
function neededAtOnce({ outputs }: Metafile): string[] {
  const imported = outputs['console.js']?.imports.filter(({ kind }) => kind === 'import-statement') ?? []
  return imported.map(({ path }) => `/${path.replace(/^\//, '')}`)
}

function pageWith(scripts: readonly string[]): string {
  const links = scripts.map((path) => `<link rel="modulepreload" href="${path}" />\n    `).join('')
  return readFileSync(join(source, 'index.html'), 'utf8').replace('<script ', `${links}<script `)
}

/** Writes the console into a folder as Cloudflare serves one (`[assets]`), its headers with it. */
export async function writeConsole(folder: string, webSockets: readonly string[] = []): Promise<void> {
  const files = await bundleConsole()
  const headers = Object.entries(consoleHeaders(webSockets)).map(([name, value]) => `  ${name}: ${value}\n`)
  await rm(folder, { recursive: true, force: true })
  await mkdir(folder, { recursive: true })
  for (const { path, text } of files) {
    const file = join(folder, path === '/' ? 'index.html' : path)
    await mkdir(dirname(file), { recursive: true })
    await writeFile(file, text)
  }
  await writeFile(join(folder, '_headers'), `/*\n${headers.join('')}`)
}
