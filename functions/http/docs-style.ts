/** The style sheet of the API's page: one column on a phone, contents beside it on a wide screen, light and dark. */
export const docsStyle = `
:root{color-scheme:light dark;--ink:light-dark(#1c2330,#e4e8ef);--dim:light-dark(#5a6475,#9aa5b8);--page:light-dark(#fff,#12161d);--box:light-dark(#f3f5f8,#1b212b);--line:light-dark(#d9dee6,#2d3644);--link:light-dark(#0b5cad,#7db8ff)}
*{box-sizing:border-box}
body{margin:0 auto;padding:1rem;max-width:76rem;color:var(--ink);background:var(--page);font:16px/1.5 system-ui,sans-serif;overflow-wrap:anywhere}
h1{font-size:1.6rem;margin:.5rem 0}h2{font-size:1.3rem;margin:2.5rem 0 .5rem;text-transform:capitalize}h3{font-size:1rem;margin:0 0 .5rem}h4{font-size:.9rem;margin:1rem 0 .3rem}
small,.type{color:var(--dim);font-size:.85rem;font-weight:400}
a{color:var(--link)}
code,pre{font:.85rem/1.5 ui-monospace,monospace}
pre{background:var(--box);padding:.75rem;border-radius:.4rem;overflow-x:auto;overflow-wrap:normal}
article{border-top:1px solid var(--line);padding:1.25rem 0}
:target{scroll-margin-top:1rem;outline:2px solid var(--link);outline-offset:.5rem;border-radius:.2rem}
h3 b{padding:.1rem .4rem;border-radius:.3rem;background:var(--box);font-size:.8rem}
.GET{color:light-dark(#0a6b3d,#6fd3a0)}.POST{color:light-dark(#0b5cad,#7db8ff)}.PUT,.PATCH{color:light-dark(#8a5300,#f0bb66)}.DELETE{color:light-dark(#b3261e,#ff9d94)}
dl{margin:0;border-left:2px solid var(--line);padding-left:.75rem}dt{margin-top:.4rem}dd{margin:0 0 0 .75rem}
.refusal{margin:.3rem 0;font-size:.9rem}
summary{cursor:pointer;padding:.25rem 0}
nav summary{text-transform:capitalize;font-weight:600}nav ul{margin:0;padding:0 0 .5rem 1rem;list-style:none}nav li{padding:.2rem 0;font-size:.9rem}
@media(min-width:64rem){body{display:grid;grid-template-columns:17rem minmax(0,1fr);column-gap:2.5rem}header{grid-column:1/3}nav{position:sticky;top:1rem;align-self:start;max-height:calc(100vh - 2rem);overflow-y:auto}}
`
