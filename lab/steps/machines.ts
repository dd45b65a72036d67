// The machines of the lab: a control plane, a front load balancer and three Kubernetes nodes, each a set of namespaces of its own,
// all owned by the host supervisor.
import { existsSync } from 'node:fs';
import { copyFile, mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { makePki, pkiFile, writeKubeconfig } from '../pki.ts';
import { type KubernetesNode, labDir, logDir, network, nodes, paths, runDir, stateDir } from '../places.ts';
import { $ } from '../shell.ts';
import { type Step, until } from '../step.ts';
import { startSupervisor, stopSupervisor, supervisorStatus } from '../supervisor/client.ts';
import type { Daemon, SupervisorPlan } from '../supervisor/plan.ts';
import { baseReference } from './images.ts';
import { programsDir } from './programs.ts';

/** Images survive `lab down`: they are the slow part of a node. */
const containerdRoot = (node: KubernetesNode): string => join(paths.images, '..', 'nodes', node.name, 'containerd');
const nodeDir = (node: KubernetesNode): string => join(stateDir, 'nodes', node.name);
const volumeBytes = 4 * 1024 ** 3; // sparse
const cgroupParent = 'shakedown';

export function machineSteps(fingerprint: string, startedBy: string): readonly Step[] {
  return [
    {
      name: 'machines',
      says: 'control plane, front and three Kubernetes nodes',
      needs: ['cache/packages', 'cache/programs/kubernetes'],
      seconds: 15,
      done: async () => (await supervisorStatus())?.fingerprint === fingerprint,
      async run() {
        await stopSupervisor();
        await rm(stateDir, { recursive: true, force: true });
        await mkdir(stateDir, { recursive: true, mode: 0o711 });
        await mkdir(logDir, { recursive: true });
        await makePki();
        await writeKubeconfig(paths.kubeconfig, 'admin');
        await controlPlaneFiles();
        await writeFile(join(stateDir, 'front.cfg'), frontConfig());
        await copyFile(join(labDir, 'audit-policy.yaml'), paths.auditPolicy);
        for (const node of nodes) await nodeFiles(node);
        await prepareCgroups();
        await startSupervisor(supervisorPlan(fingerprint, startedBy));
        const kubectl = join(programsDir('kubernetes'), 'kubectl');
        await until('API server is ready', 60_000, async () => {
          const asked = await $({
            quiet: true,
          })`${kubectl} --kubeconfig ${paths.kubeconfig} get --raw /readyz`.nothrow();
          return asked.exitCode === 0 || asked.stderr.trim().slice(0, 200);
        });
        await until('three Kubernetes nodes are registered', 60_000, async () => {
          const { stdout } = await $({
            quiet: true,
          })`${kubectl} --kubeconfig ${paths.kubeconfig} get nodes -o name`.nothrow();
          const count = stdout.split('\n').filter(Boolean).length;
          return count === nodes.length || `${count} registered; see ${stateDir}/nodes/*/kubelet.log`;
        });
      },
    },
  ];
}

/** Every node of its own containerd; images come in as archives, no registry is involved. */
export function importStep(
  references: readonly string[],
  archiveOf: (reference: string) => string,
  imageSteps: readonly string[],
): Step {
  const ctr = (node: KubernetesNode): readonly string[] => [
    '--address',
    join(nodeDir(node), 'run/containerd.sock'),
    '--namespace',
    'k8s.io',
  ];
  /** Names with the digest of what they stand for. Kubernetes' own side gives each image a second name, which is its id. */
  const listed = async (node: KubernetesNode): Promise<readonly (readonly [string, string])[]> =>
    (await $({ quiet: true })`ctr ${ctr(node)} images ls`.nothrow()).stdout
      .split('\n')
      .slice(1)
      .map((line) => line.split(/\s+/))
      .map(([name = '', , digest = '']) => [name, digest] as const);
  const missingOn = async (node: KubernetesNode): Promise<readonly string[]> => {
    const there = new Map(await listed(node));
    return references.filter((reference) => !there.has(reference));
  };
  /** Earlier versions would fill the disk in a month. What a container still runs on stays until it ends. */
  const dropOldVersions = async (node: KubernetesNode): Promise<void> => {
    const there = await listed(node);
    const wanted = new Set(there.filter(([name]) => references.includes(name)).map(([, digest]) => digest));
    const old = there.filter(([name, digest]) => name !== '' && !wanted.has(digest)).map(([name]) => name);
    if (old.length > 0) await $({ quiet: true })`ctr ${ctr(node)} images rm --sync ${old}`.nothrow();
  };
  return {
    name: 'import',
    says: 'images into the nodes',
    needs: ['machines', ...imageSteps],
    seconds: 40,
    done: async () =>
      (await supervisorStatus()) !== undefined &&
      (await Promise.all(nodes.map(missingOn))).every((missing) => missing.length === 0),
    async run() {
      for (const node of nodes) {
        await until(
          `containerd of ${node.name} answers`,
          30_000,
          async () => existsSync(join(nodeDir(node), 'run/containerd-ready')) || `see ${nodeDir(node)}/containerd.log`,
        );
        for (const reference of await missingOn(node))
          await $({ quiet: true })`ctr ${ctr(node)} images import ${archiveOf(reference)}`;
        await dropOldVersions(node);
      }
    },
  };
}

function supervisorPlan(fingerprint: string, startedBy: string): SupervisorPlan {
  const bin = programsDir('kubernetes');
  const pki = (name: Parameters<typeof pkiFile>[0], kind: 'crt' | 'key' | 'pub'): string => pkiFile(name, kind);
  const control = 'shakedown-control';
  const front = 'shakedown-front';
  const daemons: readonly Daemon[] = [
    {
      name: 'etcd',
      namespace: control,
      command: [
        'etcd',
        `--data-dir=${stateDir}/etcd`,
        '--unsafe-no-fsync',
        '--listen-client-urls=http://127.0.0.1:2379',
        '--advertise-client-urls=http://127.0.0.1:2379',
        '--listen-peer-urls=http://127.0.0.1:2380',
        '--auto-compaction-retention=1',
        '--log-level=warn',
      ],
    },
    {
      name: 'kube-apiserver',
      namespace: control,
      command: [
        join(bin, 'kube-apiserver'),
        '--etcd-servers=http://127.0.0.1:2379',
        `--advertise-address=${network.controlPlane}`,
        `--service-cluster-ip-range=${network.serviceRange}`,
        '--authorization-mode=Node,RBAC',
        '--enable-admission-plugins=NodeRestriction',
        '--anonymous-auth=false',
        // For the suite's helper pods; Pod Security admission refuses privilege in the namespace of the app.
        '--allow-privileged=true',
        '--profiling=false',
        `--client-ca-file=${pki('cluster-ca', 'crt')}`,
        `--tls-cert-file=${pki('apiserver', 'crt')}`,
        `--tls-private-key-file=${pki('apiserver', 'key')}`,
        `--kubelet-client-certificate=${pki('apiserver-kubelet', 'crt')}`,
        `--kubelet-client-key=${pki('apiserver-kubelet', 'key')}`,
        `--encryption-provider-config=${paths.encryption}`,
        `--audit-policy-file=${paths.auditPolicy}`,
        `--audit-log-path=${paths.auditLog}`,
        '--audit-log-maxsize=64',
        '--audit-log-maxbackup=2',
        // Webhooks are reached at their pods: service addresses mean nothing in the control plane's namespace.
        '--enable-aggregator-routing=true',
        '--kubelet-preferred-address-types=InternalIP',
        '--service-account-issuer=https://kubernetes.default.svc.cluster.local',
        `--service-account-key-file=${pki('service-accounts', 'pub')}`,
        `--service-account-signing-key-file=${pki('service-accounts', 'key')}`,
        // A lost node is acted upon within half a minute instead of five.
        '--default-not-ready-toleration-seconds=20',
        '--default-unreachable-toleration-seconds=20',
        '--event-ttl=30m',
        '--v=1',
      ],
    },
    {
      name: 'kube-controller-manager',
      namespace: control,
      command: [
        join(bin, 'kube-controller-manager'),
        `--kubeconfig=${stateDir}/controller-manager.kubeconfig`,
        '--use-service-account-credentials=true',
        `--service-account-private-key-file=${pki('service-accounts', 'key')}`,
        `--root-ca-file=${pki('cluster-ca', 'crt')}`,
        `--cluster-signing-cert-file=${pki('cluster-ca', 'crt')}`,
        `--cluster-signing-key-file=${pki('cluster-ca', 'key')}`,
        '--leader-elect=false',
        '--allocate-node-cidrs=false',
        '--node-monitor-grace-period=16s',
        '--profiling=false',
        '--v=1',
      ],
    },
    {
      name: 'kube-scheduler',
      namespace: control,
      command: [
        join(bin, 'kube-scheduler'),
        `--kubeconfig=${stateDir}/scheduler.kubeconfig`,
        '--leader-elect=false',
        '--profiling=false',
        '--v=1',
      ],
    },
    { name: 'front', namespace: front, command: ['haproxy', '-db', '-f', `${stateDir}/front.cfg`] },
  ];
  return {
    startedBy,
    fingerprint,
    binDir: bin,
    logDir,
    socket: paths.supervisorSocket,
    bridge: { name: network.bridge, address: network.host, prefix: network.prefix },
    hosts: [
      { namespace: control, address: network.controlPlane },
      { namespace: front, address: network.front },
    ],
    nodes: nodes.map((node) => ({
      name: node.name,
      address: node.address,
      stateDir: nodeDir(node),
      volumeFile: join(nodeDir(node), 'volumes.ext4'),
    })),
    routes: nodes.map((node) => ({ range: node.podRange, via: node.address })),
    daemons,
  };
}

async function controlPlaneFiles(): Promise<void> {
  await writeKubeconfig(join(stateDir, 'controller-manager.kubeconfig'), 'controller-manager');
  await writeKubeconfig(join(stateDir, 'scheduler.kubeconfig'), 'scheduler');
}

/** The way in: survives the loss of any one node, and asks each node's Envoy whether it is ready twice a second. */
function frontConfig(): string {
  const backend = (port: number): string =>
    nodes
      .map(
        (node) =>
          `  server ${node.name} ${node.address}:${port} check port 8002 inter 500ms fall 2 rise 2 on-marked-down shutdown-sessions`,
      )
      .join('\n');
  return `# Written by lab/steps/machines.ts.
global
  maxconn 4000
defaults
  mode tcp
  balance roundrobin
  timeout connect 1s
  timeout client 180s
  timeout server 180s
  retries 2
  option redispatch 1
  option httpchk
  http-check send meth GET uri /ready ver HTTP/1.1 hdr host lab
frontend https
  bind ${network.front}:443
  default_backend https
backend https
${backend(443)}
frontend http
  bind ${network.front}:80
  default_backend http
backend http
${backend(80)}
`;
}

async function nodeFiles(node: KubernetesNode): Promise<void> {
  const dir = nodeDir(node);
  await mkdir(join(dir, 'pods'), { recursive: true });
  await mkdir(containerdRoot(node), { recursive: true });
  await writeFile(join(dir, 'address'), node.address);
  await writeFile(join(dir, 'fresh'), '');
  await $({ quiet: true })`truncate --size ${volumeBytes} ${dir}/volumes.ext4`;
  await $({ quiet: true })`mkfs.ext4 -q -E lazy_itable_init=1 ${dir}/volumes.ext4`;
  await writeKubeconfig(join(dir, 'kubelet.kubeconfig'), node.name as 'node-1');
  await writeKubeconfig(join(dir, 'kube-proxy.kubeconfig'), 'kube-proxy');
  await mkdir(join(dir, 'cni.d'), { recursive: true });
  const cni = {
    cniVersion: '1.0.0',
    name: `lab-${node.name}`,
    plugins: [
      // Point to point rather than a bridge: everything is routed, so the node's packet filter sees it.
      {
        type: 'ptp',
        mtu: 1500,
        ipam: {
          type: 'host-local',
          ranges: [[{ subnet: node.podRange }]],
          routes: [{ dst: '0.0.0.0/0' }],
          dataDir: '/var/lib/cni/networks',
        },
      },
      { type: 'portmap', capabilities: { portMappings: true }, snat: true },
    ],
  };
  await writeFile(join(dir, 'cni.d/10-lab.conflist'), JSON.stringify(cni, null, 1));
  await writeFile(
    join(dir, 'containerd.toml'),
    `version = 2
root = "${containerdRoot(node)}"
state = "${dir}/run/containerd"
[grpc]
address = "${dir}/run/containerd.sock"
[plugins."io.containerd.grpc.v1.cri"]
sandbox_image = "${baseReference}"
restrict_oom_score_adj = true
[plugins."io.containerd.grpc.v1.cri".cni]
bin_dir = "/usr/lib/cni"
conf_dir = "${dir}/cni.d"
[plugins."io.containerd.grpc.v1.cri".containerd]
snapshotter = "overlayfs"
[plugins."io.containerd.internal.v1.opt"]
path = "${dir}/opt"
`,
  );
  const kubelet = {
    apiVersion: 'kubelet.config.k8s.io/v1beta1',
    kind: 'KubeletConfiguration',
    authentication: {
      anonymous: { enabled: false },
      webhook: { enabled: true },
      x509: { clientCAFile: pkiFile('cluster-ca', 'crt') },
    },
    authorization: { mode: 'Webhook' },
    containerRuntimeEndpoint: `unix://${dir}/run/containerd.sock`,
    cgroupDriver: 'cgroupfs',
    cgroupRoot: `/${cgroupParent}/${node.name}`,
    failCgroupV1: false,
    clusterDNS: [network.dnsService],
    clusterDomain: 'cluster.local',
    resolvConf: '',
    podLogsDir: join(dir, 'pods'),
    volumePluginDir: join(dir, 'volume-plugins'),
    failSwapOn: false,
    oomScoreAdj: 0,
    evictionHard: { 'memory.available': '50Mi', 'nodefs.available': '1%', 'imagefs.available': '1%' },
    imageGCHighThresholdPercent: 100,
    nodeStatusUpdateFrequency: '4s',
    serializeImagePulls: false,
    maxPods: 60,
    // One machine pretends to be three: each node may hand out a third of its memory.
    systemReserved: { memory: '1Gi' },
    makeIPTablesUtilChains: true,
  };
  await writeFile(join(dir, 'kubelet.yaml'), JSON.stringify(kubelet, null, 1));
  const proxy = {
    apiVersion: 'kubeproxy.config.k8s.io/v1alpha1',
    kind: 'KubeProxyConfiguration',
    mode: 'iptables',
    clientConnection: { kubeconfig: join(dir, 'kube-proxy.kubeconfig') },
    clusterCIDR: network.podRange,
    hostnameOverride: node.name,
    oomScoreAdj: 0,
    // The limits belong to the machine and can't be written from a namespace.
    conntrack: { maxPerCore: 0, min: 0, tcpEstablishedTimeout: '0s', tcpCloseWaitTimeout: '0s' },
    metricsBindAddress: '127.0.0.1:10249',
    healthzBindAddress: '0.0.0.0:10256',
  };
  await writeFile(join(dir, 'kube-proxy.yaml'), JSON.stringify(proxy, null, 1));
}

/** cgroup v1: each controller has a tree of its own, and cpuset wants its sets before a process may enter. */
async function prepareCgroups(): Promise<void> {
  await $({ quiet: true })`sh -c ${`
    set -e
    for controller in /sys/fs/cgroup/*/; do
      case "$controller" in */unified/) continue;; esac
      for folder in ${cgroupParent} ${nodes.map((node) => `${cgroupParent}/${node.name}`).join(' ')}; do
        mkdir -p "$controller$folder"
        if [ -e "$controller/cpuset.cpus" ]; then
          for set in cpuset.cpus cpuset.mems; do
            [ -s "$controller$folder/$set" ] && [ -n "$(cat "$controller$folder/$set")" ] || cat "$controller$set" > "$controller$folder/$set"
          done
        fi
      done
    done
    rm -f ${runDir}/*.sock`}`;
}
