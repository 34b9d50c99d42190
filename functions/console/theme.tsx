import { signal } from '@preact/signals'

const KEPT = 'trunkline.theme'
const themes = ['auto', 'light', 'dark'] as const
type Theme = (typeof themes)[number]

/** What was chosen. */
export const theme = signal<Theme>(themes.find((one) => one === localStorage.getItem(KEPT)) ?? 'auto')

/** Has the page be light or dark: as its system is, unless it was chosen here. */
export function applyTheme(): void {
  document.documentElement.style.colorScheme = theme.value === 'auto' ? 'light dark' : theme.value
}

/** Chooses between light and dark. */
export function ThemeChoice() {
  const choose = (chosen: string) => {
    theme.value = themes.find((one) => one === chosen) ?? 'auto'
    localStorage.setItem(KEPT, theme.value)
    applyTheme()
  }
  return (
    <select
      aria-label="Theme"
      value={theme.value}
      onChange={({ currentTarget }) => choose(currentTarget.value)}
    >
      {themes.map((one) => (
        <option key={one} value={one}>
          {one}
        </option>
      ))}
    </select>
  )
}
