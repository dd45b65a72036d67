// The outage that nobody sees coming: a certificate that was always renewed by itself is not, because its issuer can't be reached. It
// really expires, on a host of its own, while the load goes on at another.
import { issuerAway as fault } from '../chaos/certificates/issuer-away.ts';
import type { Objective } from '../lib/model/claim.ts';
import type { Scenario } from '../lib/model/scenario.ts';
import { drillCertificateSerials, drillCertificatesValid, drillCertificateValid } from '../lib/probes/certificates.ts';
import { guards } from '../lib/probes/guards.ts';
import { afterMs, ledgerOfThreeNodes, needs, probes, serviceObjectives, steadyMs } from './workshop.ts';

const { series } = drillCertificatesValid;

/** No firing alert is no series, and that is 0, as long as the certificate is looked at. */
const firing =
  '(max(ALERTS{alertname="ServedCertificateExpired",alertstate="firing"}) or vector(0)) and (count(probe_success{job="drill-certificate"}) > 0)';
const alert = { source: 'prometheus', query: firing, unit: 'firing', coverageMin: 0.8 } as const;

const certificateObjectives: readonly Objective[] = [
  {
    name: 'valid-before',
    source: 'probe',
    series,
    unit: 'share',
    reduce: 'min',
    phases: ['steady'],
    min: 1,
    samplesMin: 5,
  },
  { name: 'expired', source: 'probe', series, unit: 'share', reduce: 'min', phases: ['fault'], max: 0, samplesMin: 5 },
  {
    name: 'valid-again',
    source: 'probe',
    series,
    unit: 'share',
    reduce: 'min',
    phases: ['after'],
    min: 1,
    samplesMin: 5,
  },
  {
    name: 'replicas-agree',
    source: 'probe',
    series: drillCertificateSerials.series,
    unit: 'certificates',
    reduce: 'max',
    phases: ['steady', 'after'],
    max: 1,
    samplesMin: 5,
  },
  { name: 'alert-quiet-before', ...alert, reduce: 'max', phases: ['steady'], max: 0 },
  { name: 'alert-fires', ...alert, reduce: 'max', phases: ['fault'], min: 1 },
  { name: 'alert-over', ...alert, reduce: 'last', phases: ['after'], max: 0 },
];

const unharmed: readonly Objective[] = [
  {
    name: 'scans-unharmed',
    source: 'k6',
    journeys: ['barcode-lookup'],
    measure: 'good-ratio',
    phases: ['fault'],
    min: 0.99,
    samplesMin: 300,
  },
  {
    name: 'writes-unharmed',
    source: 'k6',
    journeys: ['goods-receipt', 'parts-issue'],
    measure: 'good-ratio',
    phases: ['fault'],
    min: 0.99,
    samplesMin: 75,
  },
  {
    name: 'scans-p95-unharmed',
    source: 'k6',
    journeys: ['barcode-lookup'],
    measure: 'latency-p95-ms',
    phases: ['fault'],
    max: 200,
    samplesMin: 300,
  },
];

export const certificateExpiry: Scenario = {
  claim: {
    name: 'certificate-expiry',
    hypothesis:
      'A certificate that expires on every replica of the ingress raises its alert, and is renewed by itself within 60 s after its issuer can be reached again; users of another host, at 20 scans/s and 5 writes/s, lose no acknowledged write and 1 % of their requests at most, and meet the objectives again within 20 s.',
    judgeVersion: 1,
    faults: [fault.name],
    objectives: [...serviceObjectives, ...unharmed, ...certificateObjectives],
    load: { achievedRatioMin: 0.95, acknowledgedMin: 120 },
    ledger: ledgerOfThreeNodes,
    // Nothing is to be felt at all. A busy moment within the minutes that it lasts is not the fault's: hence the wide window.
    recovery: { recoveryMsMax: 20_000, windowMs: 10_000, badRatioMax: 0.05 },
    blastRadius: { namespaces: ['cert-manager'], targetsMax: 1 },
    needs: [...needs, drillCertificateValid.name],
  },
  play: {
    load: 'gate',
    steadyMs,
    // It lives three minutes and is renewed after two, so it expires 65 to 180 s after its issuer went. Then its alert waits for 10 s, beside
    // a scrape and an evaluation.
    timeline: [{ fault, holdMs: 20_000, effectWithinMs: 190_000 }],
    recoveryWaitMs: 60_000,
    usualRecoveryMs: 25_000,
    settledWhen: [drillCertificateValid],
    afterMs,
    probes: [...probes, drillCertificatesValid, drillCertificateSerials],
  },
  guards: [...guards, drillCertificateValid],
  suite: 'smoke',
};
