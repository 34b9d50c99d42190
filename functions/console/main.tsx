import { render } from 'preact'
import { followEvents } from './live.ts'
import { resume } from './session.ts'
import { Shell } from './shell.tsx'
import { applyTheme } from './theme.tsx'

applyTheme()
followEvents()
const root = document.getElementById('console')
if (root) render(<Shell />, root)
void resume()
