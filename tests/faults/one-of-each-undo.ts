// One fault for each mechanism that has something to take back, such that all can be there at once: each aims at another part. Power and
// cable of a Kubernetes node are apart, since all else on that node would go with it.
export const oneOfEachUndo: readonly string[] = [
  'objects/scale-workers-away',
  'process/freeze',
  'resources/processor',
  'network/loss',
  'redis/read-only-queue',
  'ingress/other-secret',
  'galera/read-only',
];
