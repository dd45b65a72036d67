// How targets and namespaces read in what people are told. A Kubernetes node has no namespace, which is '' in tickets and claims.
import type { FaultTarget } from './fault.ts';

/** In a claim's namespaces: Kubernetes nodes themselves. */
export const kubernetesNodes = '';

export const targetInWords = ({ namespace, name }: FaultTarget): string =>
  namespace === kubernetesNodes ? `Kubernetes node ${name}` : `${namespace}/${name}`;

/** Reads after `in` or `among`: `erp, monitoring`, `the Kubernetes nodes`. */
export const namespacesInWords = (namespaces: readonly string[]): string =>
  namespaces.map((one) => (one === kubernetesNodes ? 'the Kubernetes nodes' : one)).join(', ');
