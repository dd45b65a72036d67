// What the ingress counts of requests: a second opinion of when users were well again, from somebody who shares nothing with k6.
import type { Target } from './target.ts';

/** Under these names in prometheus.ndjson, where the claim asks for a second opinion. No objective has a slash in its name. */
export const ingressRanges = { completed: 'ingress/completed', failed: 'ingress/failed' } as const;

/** Counters, not rates: whatever Prometheus would smear over a window is left to the judge. */
export interface IngressRequests {
  readonly completed: string;
  readonly failed: string;
}

/** Contour's Envoys, all that comes in by TLS. */
const byController: Readonly<Record<Target['ingress']['controller'], IngressRequests>> = {
  contour: {
    completed: 'envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix="ingress_https"}',
    failed: 'envoy_http_downstream_rq_xx{envoy_http_conn_manager_prefix="ingress_https",envoy_response_code_class="5"}',
  },
};

export const ingressRequestsOf = ({ ingress }: Target): IngressRequests =>
  ingress.requests ?? byController[ingress.controller];
