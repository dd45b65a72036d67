// One run as users felt it: how long each request took, which were bad, and how many came; with the fault's window behind it.
// Drawn on a logarithmic scale, since a good scan takes 10 ms and an outage 10 s. Plain SVG: it prints, and needs no script.
import type { Instant } from '../lib/model/evidence.ts';
import type { OperationKind, RunView } from '../lib/model/run-view.ts';
import type { FaultRecovery, StageMeasure } from '../lib/model/verdict.ts';
import { type Html, html, trusted } from './html.ts';
import { stagesInLine } from './recovery-words.ts';
import { count, duration, offset, phaseWord, plural } from './wording.ts';

interface Frame {
  readonly width: number;
  readonly left: number;
  readonly right: number;
  /** Latency panel. */
  readonly top: number;
  readonly bottom: number;
  /** Arrivals panel. */
  readonly barsTop: number;
  readonly barsBottom: number;
  readonly height: number;
  readonly moments: readonly Moment[];
  readonly x: (at: Instant) => number;
  readonly y: (ms: number) => number;
  readonly lowMs: number;
  readonly highMs: number;
}

/** Two drawings of the same: text must be readable on a phone too, and SVG shrinks its text. The style sheet shows one of them. */
export function timeline(view: RunView, key: string): Html {
  return html`<figure>${drawing(view, 'wide', `${key}-wide`)}${drawing(view, 'narrow', `${key}-narrow`)}
${legend(view)}<figcaption>${caption(view)}</figcaption></figure>`;
}

function drawing(view: RunView, size: 'wide' | 'narrow', key: string): Html {
  const frame = frameOf(view, size);
  const { width, height } = frame;
  return html`<svg class="timeline ${size}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="${key}-title">
<title id="${key}-title">${summary(view)}</title>
<defs><pattern id="${key}-hatch" width="7" height="7" patternUnits="userSpaceOnUse" patternTransform="rotate(45)"><path class="hatch" d="M0 0V7"/></pattern></defs>
${faultWindows(view, frame, key)}${grid(frame)}${phases(view, frame, size)}${goodDots(view, frame)}${lines(view, frame)}${badMarks(view, frame)}${bars(view, frame)}${drops(view, frame)}${moments(frame)}${timeAxis(view, frame, size)}</svg>`;
}

function frameOf(view: RunView, size: 'wide' | 'narrow'): Frame {
  const wide = size === 'wide';
  const width = wide ? 960 : 360;
  const [left, right] = [wide ? 58 : 50, width - 10];
  const x = (at: Instant) => round(left + ((at - view.from) / Math.max(1, view.to - view.from)) * (right - left));
  const moments = momentsOf(view, x, right);
  const top = 46 + rowHeight * Math.max(0, ...moments.map(({ row }) => row));
  const bottom = top + (wide ? 210 : 190);
  const barsTop = bottom + 34;
  const barsBottom = barsTop + 62;
  const longest = view.dots.reduce((most, { ms }) => Math.max(most, ms), 0);
  const shortest = view.dots.reduce((least, { ms }) => Math.min(least, ms), 10);
  const [lowMs, highMs] = [10 ** Math.floor(Math.log10(Math.max(0.1, shortest))), Math.max(100, 1.15 * longest)];
  const [low, high] = [Math.log10(lowMs), Math.log10(highMs)];
  return {
    width,
    left,
    right,
    top,
    bottom,
    barsTop,
    barsBottom,
    height: barsBottom + 28,
    lowMs,
    highMs,
    moments,
    x,
    y: (ms) => round(bottom - ((Math.log10(Math.max(lowMs, ms)) - low) / (high - low)) * (bottom - top)),
  };
}

const round = (value: number): number => Math.round(value * 10) / 10;

function faultWindows(view: RunView, { x, top, barsBottom }: Frame, key: string): Html {
  const window = ({ from, to }: RunView['faults'][number]) => {
    const box = html`x="${x(from)}" y="${top}" width="${round(Math.max(1, x(to) - x(from)))}" height="${barsBottom - top}"`;
    return html`<rect class="shade" ${box}/><rect fill="url(#${key}-hatch)" opacity=".55" ${box}/>`;
  };
  return html`${view.faults.map(window)}`;
}

function grid({ left, right, bottom, barsBottom, lowMs, highMs, y }: Frame): Html {
  const decades = [];
  for (let ms = lowMs; ms <= highMs; ms *= 10) decades.push(ms);
  return html`${decades.map(
    (ms) =>
      html`<path class="grid" d="M${left} ${y(ms)}H${right}"/><text x="${left - 8}" y="${y(ms) + 4}" text-anchor="end">${ms >= 1000 ? `${ms / 1000} s` : `${ms} ms`}</text>`,
  )}<text class="strong" x="${left}" y="12">Latency</text><text class="strong" x="${left}" y="${bottom + 26}">Requests each second</text><path class="edge" d="M${left} ${barsBottom}H${right}"/>`;
}

/** Names of phases over the panel; those too short for their name go without. */
function phases(view: RunView, { x, top, barsBottom }: Frame, size: 'wide' | 'narrow'): Html {
  const letter = size === 'wide' ? 6.6 : 6.2;
  return html`${view.phases.map(({ phase, from, to }, index) => {
    const name = phaseWord[phase];
    const room = x(to) - x(from);
    return html`${index > 0 && html`<path class="grid" d="M${x(from)} ${top - 16}V${barsBottom}"/>`}${
      room > name.length * letter + 8 && html`<text x="${x(from) + 5}" y="${top - 6}">${name}</text>`
    }`;
  })}`;
}

/** What takes several steps has no latency that could be compared; where it went badly it is marked like the rest. */
const kinds: readonly OperationKind[] = ['scan', 'write'];

function goodDots(view: RunView, { x, y }: Frame): Html {
  const path = (kind: OperationKind) =>
    view.dots.flatMap((dot) => (dot.good && dot.kind === kind ? [`M${x(dot.at)} ${y(dot.ms)}h0`] : [])).join('');
  return html`${kinds.map((kind) => html`<path class="dots ${kind}" d="${trusted(path(kind))}"/>`)}`;
}

function badMarks(view: RunView, { x, y }: Frame): Html {
  const cross = (at: Instant, ms: number) => `M${round(x(at) - 2.4)} ${round(y(ms) - 2.4)}l4.8 4.8m0 -4.8l-4.8 4.8`;
  const path = view.dots.flatMap(({ at, ms, good }) => (good ? [] : [cross(at, ms)])).join('');
  return html`<path class="bad" d="${trusted(path)}"/>`;
}

/** p95 of each bin; a bin without answers breaks the line, since nobody knows what would have been. */
function lines(view: RunView, { x, y }: Frame): Html {
  return html`${kinds.map((kind) => {
    let pen = 'M';
    const path = view.bins
      .map(({ at, p95 }) => {
        const ms = p95[kind];
        // The last one may hold a handful of requests, and says nothing as a quantile.
        const cut = at + view.binMs / 2 > view.to;
        if (ms === undefined || cut) {
          pen = 'M';
          return '';
        }
        const point = `${pen}${x(at + view.binMs / 2)} ${y(ms)}`;
        pen = 'L';
        return point;
      })
      .join('');
    return html`<path class="p95 ${kind}" d="${trusted(path)}"/>`;
  })}`;
}

function bars(view: RunView, { x, left, barsTop, barsBottom }: Frame): Html {
  const perSecond = view.binMs / 1000;
  const most = view.bins.reduce(
    (high, { good, bad, dropped }) => Math.max(high, (good + bad + dropped) / perSecond),
    1,
  );
  const high = (events: number) => round((events / perSecond / most) * (barsBottom - barsTop));
  const one = { good: '', bad: '' };
  for (const { at, good, bad, dropped } of view.bins) {
    const from = x(at);
    const width = round(Math.max(0.8, x(Math.min(view.to, at + view.binMs)) - from - 0.6));
    if (good > 0) one.good += `M${from} ${barsBottom}v${-high(good)}h${width}v${high(good)}z`;
    const worse = high(bad + dropped);
    if (worse > 0) one.bad += `M${from} ${round(barsBottom - high(good))}v${-worse}h${width}v${worse}z`;
  }
  return html`<path class="bar-good" d="${trusted(one.good)}"/><path class="bar-bad" d="${trusted(one.bad)}"/><text x="${left - 8}" y="${barsTop + 5}" text-anchor="end">${count(Math.round(most))}/s</text>`;
}

/** A triangle at the top edge: an iteration that nobody was free to play has no latency. */
function drops(view: RunView, { x, top }: Frame): Html {
  const path = view.drops.map(({ at }) => `M${x(at)} ${top + 9}l-4.5 -8h9z`).join('');
  return html`<path class="drop" d="${trusted(path)}"/>`;
}

/** Inject and what followed from it, with its name on top. */
interface Moment {
  readonly kind: 'inject' | 'stage' | 'recovered';
  readonly name: string;
  readonly x: number;
  readonly anchor: 'start' | 'end';
  /** Rows of names are stacked from the panel upwards. */
  readonly row: number;
}

const rowHeight = 14;
const letterWidth = 6.3;
const gap = 8;

/** Those of several faults together. Where names would cover each other, the earlier one stands higher: no line crosses a later name. */
function momentsOf(view: RunView, x: (at: Instant) => number, right: number): readonly Moment[] {
  if (view.faults.length === 0) return [];
  const { recovery } = view.verdict;
  // Older verdicts know one fault, and no stages.
  const faults: readonly Partial<FaultRecovery>[] = recovery.faults ?? [{ injectedMs: 0, ms: recovery.ms }];
  const named = faults.flatMap(({ injectedMs = 0, ms, detected, failedOver }) => {
    const stage = (name: string, measure: StageMeasure | undefined) =>
      measure?.ms == null ? [] : [{ kind: 'stage' as const, word: name, afterMs: measure.fromMs + measure.ms }];
    return [
      { kind: 'inject' as const, word: 'inject', afterMs: 0 },
      ...stage('detected', detected),
      ...stage('failed over', failedOver),
      ...(ms ? [{ kind: 'recovered' as const, word: 'good again', afterMs: ms }] : []),
    ].map(({ kind, word, afterMs }) => ({
      kind,
      name: kind === 'inject' ? word : `${word} ${offset(afterMs)}`,
      at: view.zero + injectedMs + afterMs,
    }));
  });
  const rows: (readonly [number, number])[][] = [];
  const place = ({ kind, name, at }: (typeof named)[number]): Moment => {
    const width = name.length * letterWidth;
    const anchor = x(at) + gap + width > right ? 'end' : 'start';
    const [from, to] = anchor === 'start' ? [x(at), x(at) + gap + width] : [x(at) - gap - width, x(at)];
    const free = rows.findIndex((taken) => taken.every((one) => to <= one[0] || from >= one[1]));
    const row = free < 0 ? rows.length : free;
    rows[row] = [...(rows[row] ?? []), [from, to]];
    return { kind, name, x: x(at), anchor, row };
  };
  return [...named]
    .sort((a, b) => b.at - a.at)
    .map(place)
    .reverse();
}

function moments({ moments, top, barsBottom }: Frame): Html {
  return html`${moments.map(({ kind, name, x, anchor, row }) => {
    const y = top - 20 - rowHeight * row;
    return html`<path class="${kind}" d="M${x} ${y - 8}V${barsBottom}"/><text class="moment ${kind}-text" x="${x + (anchor === 'end' ? -5 : 5)}" y="${y}" text-anchor="${anchor}">${name}</text>`;
  })}`;
}

const tickLengthsMs = [
  1_000, 2_000, 5_000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000, 600_000, 1_800_000, 3_600_000,
];

/** Counted from inject, for that is the clock of recovery. */
function timeAxis(view: RunView, { x, left, right, barsBottom }: Frame, size: 'wide' | 'narrow'): Html {
  const ticksMax = size === 'wide' ? 12 : 5;
  const every = tickLengthsMs.find((ms) => (view.to - view.from) / ms <= ticksMax) ?? 3_600_000;
  const ticks: number[] = [];
  for (let at = view.zero + Math.ceil((view.from - view.zero) / every) * every; at <= view.to; at += every)
    ticks.push(at);
  const name = (ms: number) => {
    const size = Math.abs(ms);
    const sign = ms > 0 ? '+' : ms < 0 ? '−' : '';
    return size >= 120_000 && size % 60_000 === 0 ? `${sign}${size / 60_000} min` : `${sign}${size / 1000} s`;
  };
  return html`${ticks.map((at) => {
    const anchor = x(at) < left + 12 ? 'start' : x(at) > right - 16 ? 'end' : 'middle';
    return html`<path class="edge" d="M${x(at)} ${barsBottom}v4"/><text x="${x(at)}" y="${barsBottom + 19}" text-anchor="${anchor}">${name(at - view.zero)}</text>`;
  })}`;
}

function legend(view: RunView): Html {
  const sample = (content: Html, name: string) =>
    html`<li><svg viewBox="0 0 22 12" aria-hidden="true">${content}</svg>${name}</li>`;
  return html`<ul class="legend">${sample(html`<path class="dots scan" style="opacity:.6" d="M4 9h0M11 8h0M18 9h0"/><path class="p95 scan" d="M1 4H21"/>`, 'scans, p95')}${sample(
    html`<path class="dots write" style="opacity:.6" d="M4 9h0M11 8h0M18 9h0"/><path class="p95 write" d="M1 4H21"/>`,
    'writes, p95',
  )}${sample(html`<path class="bad" style="opacity:1" d="M7 2l8 8m0 -8l-8 8"/>`, 'bad')}${
    view.drops.length > 0 && sample(html`<path class="drop" d="M11 11l-5 -9h10z"/>`, 'dropped')
  }${view.faults.length > 0 && sample(html`<rect class="shade" width="22" height="12"/><path class="hatch" d="M2 12L10 0M9 12L17 0M16 12L22 3"/>`, 'fault there')}</ul>`;
}

function caption(view: RunView): Html {
  const thinned = view.dotsOneOf > 1 ? ` One of ${view.dotsOneOf} requests has a dot.` : '';
  const from = view.faults.length > 0 ? 'Time counts from inject' : 'Time counts from steady state';
  return html`${from}; each request stands where it was sent, on a logarithmic scale. Lines are p95 over ${duration(view.binMs)}.${thinned}`;
}

/** What the drawing shows, for those who do not see it. */
function summary(view: RunView): string {
  const bad = view.bins.reduce((sum, bin) => sum + bin.bad, 0);
  const all = view.bins.reduce((sum, bin) => sum + bin.bad + bin.good, 0);
  const dropped = view.drops.reduce((sum, drop) => sum + drop.count, 0);
  const { ms } = view.verdict.recovery;
  const recovered =
    ms === null ? '' : ms === 0 ? ' Users never left the budget.' : ` Good again ${duration(ms)} after inject.`;
  const stages = (view.verdict.recovery.faults ?? []).map(stagesInLine).filter((line) => line !== '');
  const also = stages.length > 0 ? ` After inject: ${stages.join('. ')}.` : '';
  return `Latency over ${duration(view.to - view.from)}: ${plural(all, 'request')}, ${count(bad)} bad, ${count(dropped)} dropped.${recovered}${also}`;
}
