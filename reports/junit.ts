// The gate's answer as JUnit XML, which every CI server shows: a suite for each scenario, a case for each finding. What is inconclusive is
// an error and never a skip, because a skip is green.
import type { Readiness } from '../lib/model/readiness.ts';

type Run = Readiness['runs'][number];

interface Case {
  readonly name: string;
  readonly is: 'passed' | 'failure' | 'error' | 'skipped';
  readonly says: string;
  readonly detail?: string;
}

export function junitXml(readiness: Readiness): string {
  const { target, suite, commit, runs, skipped, untested, startedAt, endedAt } = readiness;
  const suites = [
    ...runs.map((run) => suiteXml(run.scenario, casesOf(run), startedAt)),
    ...(skipped.length > 0
      ? [
          suiteXml(
            'not run',
            skipped.map(({ scenario, reason }): Case => ({ name: scenario, is: 'error', says: reason })),
            startedAt,
          ),
        ]
      : []),
    ...(untested.length > 0
      ? [
          suiteXml(
            'not covered',
            untested.map(({ scenario, hypothesis }): Case => ({ name: scenario, is: 'skipped', says: hypothesis })),
            startedAt,
          ),
        ]
      : []),
  ];
  const seconds = Math.max(0, Date.parse(endedAt) - Date.parse(startedAt)) / 1000;
  return `<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="${escapeXml(`shakedown ${suite} on ${target.name}, commit ${commit}`)}" time="${seconds}">
${suites.join('\n')}
</testsuites>
`;
}

function casesOf(run: Run): readonly Case[] {
  const findings = run.findings.map((finding): Case => {
    const phase = typeof finding.phase === 'string' ? ` (${finding.phase})` : '';
    const examples = Array.isArray(finding.examples) ? finding.examples.map(String) : [];
    return {
      name: `${finding.check}${phase}`,
      is: finding.outcome === 'passed' ? 'passed' : finding.outcome === 'failed' ? 'failure' : 'error',
      says: finding.says,
      detail: examples.join('\n'),
    };
  });
  const residue = run.residue.map(
    (left): Case => ({ name: 'residue', is: 'error', says: `The target was left dirty: ${left}` }),
  );
  // No finding is nothing known.
  const none: readonly Case[] =
    findings.length === 0 ? [{ name: 'verdict', is: 'error', says: 'The run has no finding: nothing is known.' }] : [];
  return [...findings, ...residue, ...none];
}

function suiteXml(name: string, cases: readonly Case[], startedAt: string): string {
  const count = (is: Case['is']) => cases.filter((one) => one.is === is).length;
  return `<testsuite name="${escapeXml(name)}" tests="${cases.length}" failures="${count('failure')}" errors="${count('error')}" skipped="${count('skipped')}" timestamp="${escapeXml(startedAt.replace(/(\.\d+)?Z$/, ''))}">
${cases.map((one) => caseXml(name, one)).join('\n')}
</testsuite>`;
}

function caseXml(suite: string, { name, is, says, detail }: Case): string {
  const open = `<testcase classname="${escapeXml(`shakedown.${suite}`)}" name="${escapeXml(name)}"`;
  if (is === 'passed') return `${open}/>`;
  if (is === 'skipped') return `${open}><skipped message="${escapeXml(says)}"/></testcase>`;
  return `${open}><${is} message="${escapeXml(says)}">${escapeXml([says, detail].filter(Boolean).join('\n'))}</${is}></testcase>`;
}

/** Characters that XML 1.0 forbids are shown as what they are not: a file with one of them in it is read by nobody. */
const escapeXml = (text: string): string =>
  [...text]
    .map((character) => (isAllowed(character.codePointAt(0) ?? 0) ? character : '\ufffd'))
    .join('')
    .replaceAll('&', '&amp;')
    .replaceAll('<', '&lt;')
    .replaceAll('>', '&gt;')
    .replaceAll('"', '&quot;')
    .replaceAll('\n', '&#10;');

/** Production [2] of the XML 1.0 grammar. */
const isAllowed = (code: number): boolean =>
  code === 0x9 ||
  code === 0xa ||
  code === 0xd ||
  (code >= 0x20 && code <= 0xd7ff) ||
  (code >= 0xe000 && code <= 0xfffd) ||
  code >= 0x10000;
