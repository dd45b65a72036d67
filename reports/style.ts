// How the page looks. One column, quiet, numbers that line up; light and dark, phone and paper. Colour never says anything alone.
export const style = `
:root{color-scheme:light dark;
--paper:#f6f5f1;--card:#fffefb;--ink:#1d2126;--soft:#59616b;--line:#dedbd2;--wash:#f0eee7;
--passed:#17704a;--passed-wash:#e3f1e8;--inconclusive:#855800;--inconclusive-wash:#f8ecd0;--failed:#b3261e;--failed-wash:#fae5e1;
--on-banner:#fff;--scan:#2868b0;--write:#8a4ea6;--shade:#b3261e14;--hatch:#b3261e33;--good-bar:#a9b8c6;
--sans:ui-sans-serif,system-ui,-apple-system,"Segoe UI","Noto Sans",Roboto,"DejaVu Sans",sans-serif;
--mono:ui-monospace,"SF Mono","Cascadia Mono",Menlo,Consolas,"DejaVu Sans Mono",monospace}
@media (prefers-color-scheme:dark){:root{
--paper:#14171a;--card:#1b1f23;--ink:#e6e4de;--soft:#a0a8b1;--line:#31373d;--wash:#22272c;
--passed:#62c794;--passed-wash:#17352a;--inconclusive:#e2b04a;--inconclusive-wash:#382c12;--failed:#ff8a7d;--failed-wash:#421f1c;
--on-banner:#0e1113;--scan:#76aef0;--write:#cd98e6;--shade:#ff8a7d17;--hatch:#ff8a7d3d;--good-bar:#4d5a66}}
*{box-sizing:border-box}
html{-webkit-text-size-adjust:100%}
body{margin:0;background:var(--paper);color:var(--ink);font:16px/1.55 var(--sans);font-variant-numeric:tabular-nums}
h1,h2,h3,p,ol,ul,dl,dd,figure,table{margin:0;padding:0}
a{color:inherit;text-decoration-thickness:1px;text-underline-offset:.2em}
a:focus-visible,summary:focus-visible,[tabindex]:focus-visible{outline:2px solid var(--scan);outline-offset:3px;border-radius:3px}
code,pre{font-family:var(--mono);font-size:.86em}
.page{max-width:1080px;margin:0 auto;padding:0 24px 8px}
.skip{position:absolute;left:-999px}.skip:focus{left:16px;top:8px;background:var(--card);padding:6px 12px;z-index:1}
.banner{color:var(--on-banner);padding:26px 0 30px;margin-bottom:40px}
.banner>div{max-width:1080px;margin:0 auto;padding:0 24px}
.banner.passed{background:var(--passed)}.banner.inconclusive{background:var(--inconclusive)}.banner.failed{background:var(--failed)}
.brand{display:flex;justify-content:space-between;gap:4px 24px;flex-wrap:wrap;font-size:.86rem;opacity:.92}
.brand b{font-weight:650;letter-spacing:.02em}
.word{display:flex;align-items:center;gap:.32em;font-size:clamp(2.3rem,8vw,4.3rem);line-height:1.08;font-weight:740;letter-spacing:-.022em;margin:26px 0 10px}
.word svg{width:.72em;height:.72em;flex:none}
.why{font-size:1.13rem;line-height:1.5;max-width:50em}
.why ul{list-style:none;display:grid;gap:5px;margin-top:8px}
.why li{display:grid;grid-template-columns:1.1em 1fr}.why li::before{content:"–"}
.warning{margin-top:12px}
.meta{display:flex;flex-wrap:wrap;gap:12px 40px;margin-top:26px;font-size:.92rem}
.meta dt,.label{font-size:.75rem;letter-spacing:.06em;text-transform:uppercase;line-height:1.5}
.meta dt{opacity:.85}.meta dd{font-weight:600;overflow-wrap:anywhere}
.label{color:var(--soft)}
section{margin-bottom:40px}
h2{font-size:1.32rem;line-height:1.3;letter-spacing:-.01em;font-weight:680}
h3{font-size:1rem;font-weight:660;margin:34px 0 10px}
.lead{color:var(--soft);max-width:46em;margin-top:2px}
.card{background:var(--card);border:1px solid var(--line);border-radius:10px;padding:28px 32px 30px;margin-top:22px}
.card>header{display:flex;justify-content:space-between;align-items:flex-start;gap:14px 24px;flex-wrap:wrap}
.hypothesis{font-size:1.06rem;line-height:1.5;max-width:46em;margin-top:8px}
.badge{display:inline-flex;align-items:center;gap:.42em;font-weight:640;font-size:.9rem;white-space:nowrap}
.badge svg{width:1em;height:1em;flex:none}
.badge.passed{color:var(--passed)}.badge.inconclusive{color:var(--inconclusive)}.badge.failed{color:var(--failed)}
.badge.unknown{color:var(--soft)}
.card>header .badge{padding:4px 13px 4px 10px;border-radius:99px}
.card>header .badge.passed{background:var(--passed-wash)}.card>header .badge.inconclusive{background:var(--inconclusive-wash)}.card>header .badge.failed{background:var(--failed-wash)}
.numbers{display:grid;grid-template-columns:repeat(auto-fit,minmax(132px,1fr));gap:20px 24px;margin-top:26px;padding-top:22px;border-top:1px solid var(--line)}
.numbers dd{font-size:1.62rem;line-height:1.25;font-weight:620;letter-spacing:-.015em;white-space:nowrap}
.numbers dd small{display:block;font-size:.82rem;line-height:1.4;font-weight:400;letter-spacing:0;color:var(--soft);white-space:normal}
.numbers .failed dd{color:var(--failed)}
.scroll{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.92rem;line-height:1.45}
th{text-align:left;font-weight:500;color:var(--soft);font-size:.8rem;vertical-align:bottom}
th,td{padding:8px 16px 8px 0;border-bottom:1px solid var(--line)}td{vertical-align:top}
th:last-child,td:last-child{padding-right:0}
tbody tr:last-child>*{border-bottom:0}
tbody th{color:inherit;font-size:inherit;vertical-align:top}
.n{text-align:right;white-space:nowrap}
.findings td:nth-child(2){overflow-wrap:anywhere}
.findings td:nth-child(3),.findings td:nth-child(4){white-space:nowrap}
.check{display:block;font-family:var(--mono);font-size:.78rem;color:var(--soft);margin-top:2px}
.examples{list-style:none;font-family:var(--mono);font-size:.79rem;line-height:1.6;margin-top:8px;padding-left:12px;border-left:2px solid var(--line);overflow-wrap:anywhere}
.history{margin-top:12px}.history td:nth-child(1){width:9.4em}.history td:nth-child(3){width:236px}
.gates{display:block;width:220px;max-width:100%;height:auto}
.gates .before{fill:none;stroke:var(--soft);stroke-width:1.2}.gates .now{fill:var(--ink)}
.gates .usual{stroke:var(--soft);stroke-width:1;stroke-dasharray:3 3}.gates .matter{fill:var(--wash)}
details{margin-top:12px}
summary{cursor:pointer;font-size:.94rem;color:var(--soft);padding:5px 0;width:fit-content}
summary:hover{color:var(--ink)}
.steps{list-style:none;font-size:.94rem}
.steps>li{display:grid;grid-template-columns:6.4em 1fr;gap:0 16px;padding:7px 0;border-bottom:1px solid var(--line)}
.steps>li:last-child{border-bottom:0}
.steps .at{color:var(--soft);text-align:right;white-space:nowrap}
.steps details{margin-top:0}.steps summary{padding:2px 0;font-size:.86rem}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--wash);border-radius:6px;padding:12px 16px;line-height:1.5;margin-top:8px}
.facts{display:grid;grid-template-columns:repeat(auto-fill,minmax(168px,1fr));gap:14px 24px;font-size:.92rem}
.facts dd{overflow-wrap:anywhere}
.examples li{padding-left:1.2em;text-indent:-1.2em}
.plain{list-style:none;display:grid;gap:12px;margin-top:12px}
.plain b{font-weight:640}
figure{margin-top:30px}
figcaption{font-size:.84rem;color:var(--soft);margin-top:8px;max-width:60em}
.timeline{display:block;width:100%;height:auto;font-family:var(--sans)}
.timeline.narrow{display:none}
.timeline text{fill:var(--soft);font-size:11.5px}
.timeline .strong{fill:var(--ink);font-weight:640}
.timeline .fault{fill:var(--failed);font-weight:640}
.grid{stroke:var(--line);stroke-width:1}.edge{stroke:var(--soft);stroke-width:1}
.shade{fill:var(--shade)}.hatch{stroke:var(--hatch);stroke-width:1.5}
.inject{stroke:var(--failed);stroke-width:1.5}.recovered{stroke:var(--passed);stroke-width:1.5;stroke-dasharray:5 3}
.timeline .recovered-text{fill:var(--passed);font-weight:640}
.dots{fill:none;stroke-linecap:round;stroke-width:2.6;opacity:.34}
.scan{stroke:var(--scan)}.write{stroke:var(--write)}
.p95{fill:none;stroke-width:1.6;stroke-linejoin:round}.p95.write{stroke-dasharray:4 2.5}
.bad{fill:none;stroke:var(--failed);stroke-width:1.25;opacity:.75}
.drop{fill:var(--failed)}
.bar-good{fill:var(--good-bar)}.bar-bad{fill:var(--failed)}
.legend{display:flex;flex-wrap:wrap;gap:4px 22px;list-style:none;font-size:.84rem;color:var(--soft);margin-top:6px}
.legend li{display:inline-flex;align-items:center;gap:7px}.legend svg{width:22px;height:12px;flex:none}
footer{color:var(--soft);font-size:.86rem;margin-bottom:64px}
footer>div{border-top:1px solid var(--line);padding-top:20px;display:grid;gap:10px}
footer p{max-width:60em}
@media screen and (max-width:700px){
.page,.banner>div{padding-left:18px;padding-right:18px}
.card{padding:22px 18px 24px;border-radius:8px}
.roomy{display:none}
.timeline.wide{display:none}.timeline.narrow{display:block}.timeline.narrow text{font-size:11px}
th,td{padding-right:12px}
.numbers{grid-template-columns:1fr 1fr}.numbers dd{font-size:1.4rem}
.findings thead{position:absolute;clip-path:inset(50%);width:1px;height:1px;overflow:hidden}
.findings,.findings tbody,.findings tr{display:block}
.findings td,.findings th{display:block;border:0;padding:2px 0}
.findings tr{padding:10px 0;border-bottom:1px solid var(--line)}
.findings tr:last-child{border-bottom:0}
.findings td[data-label]::before{content:attr(data-label) " ";color:var(--soft)}
.findings td:empty{display:none}.findings .n{text-align:left}
.steps>li{grid-template-columns:4.6em 1fr}}
@media print{
:root{color-scheme:light;--paper:#fff;--card:#fff;--ink:#000;--soft:#444;--line:#ccc;--wash:#f4f4f4;
--passed:#17704a;--passed-wash:#e3f1e8;--inconclusive:#855800;--inconclusive-wash:#f8ecd0;--failed:#b3261e;--failed-wash:#fae5e1;
--on-banner:#fff;--scan:#2868b0;--write:#8a4ea6;--shade:#b3261e14;--hatch:#b3261e33;--good-bar:#a9b8c6}
body{font-size:10.5pt}
.banner,.badge,.timeline,.legend,.gates{print-color-adjust:exact;-webkit-print-color-adjust:exact}
.page{max-width:none;padding:0}.banner{padding:18px 16px}
.card{border:0;border-top:2px solid var(--ink);border-radius:0;padding:14px 0;margin-top:28px}
figure,tr,.numbers,.steps>li{break-inside:avoid}h2,h3{break-after:avoid}
details::details-content{content-visibility:visible;block-size:auto}
summary{list-style:none}.skip{display:none}}
`;
