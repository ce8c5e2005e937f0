#!/bin/bash
# The node's parts, each with a log in /var/log/keyturn. "keyturn-node: ready" means that the API server answers and everybody runs.
set -eu

# A container runtime in a container: its own mounts are shared on, and the kubelet wants a kernel log
mount --make-rshared /
mount -o remount,rw /sys
[ -e /dev/kmsg ] || ln -s /dev/null /dev/kmsg

ip=$(hostname -I | awk '{print $1}')
mkdir -p /var/log/keyturn /etc/keyturn/pki /etc/cni/net.d /etc/containerd
cd /etc/keyturn/pki

openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout ca.key -out ca.crt -subj /CN=ca -days 2 2>/dev/null
issue() { # name, subject, extensions
  openssl req -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout "$1.key" -out "$1.csr" -subj "$2" 2>/dev/null
  openssl x509 -req -in "$1.csr" -CA ca.crt -CAkey ca.key -CAcreateserial -out "$1.crt" -days 2 -extfile <(printf '%b' "$3") 2>/dev/null
}
issue server /CN=kube-apiserver "subjectAltName=IP:127.0.0.1,IP:10.96.0.1,IP:$ip,DNS:localhost,DNS:kubernetes.default.svc,$API_NAME\nextendedKeyUsage=serverAuth"
issue admin /O=system:masters/CN=admin "extendedKeyUsage=clientAuth"
openssl ecparam -name prime256v1 -genkey -noout -out sa.key 2>/dev/null
openssl ec -in sa.key -pubout -out sa.pub 2>/dev/null

cd /etc/keyturn
cat > kubeconfig <<YAML
apiVersion: v1
kind: Config
clusters: [{name: node, cluster: {server: "https://127.0.0.1:6443", certificate-authority-data: $(base64 -w0 pki/ca.crt)}}]
users: [{name: admin, user: {client-certificate-data: $(base64 -w0 pki/admin.crt), client-key-data: $(base64 -w0 pki/admin.key)}}]
contexts: [{name: node, context: {cluster: node, user: admin}}]
current-context: node
YAML

# Where the machine itself lacks CAP_SYS_RESOURCE, runc must not set an oom_score_adj below its own
cat > /etc/containerd/config.toml <<'TOML'
version = 2
[plugins."io.containerd.grpc.v1.cri"]
  restrict_oom_score_adj = true
  sandbox_image = "docker.io/keyturn-test/pause:local"
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "/usr/lib/cni"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
TOML

cat > /etc/cni/net.d/10-bridge.conflist <<'JSON'
{"cniVersion": "0.4.0", "name": "pods", "plugins": [
  {"type": "bridge", "bridge": "pods0", "isGateway": true, "ipMasq": true, "hairpinMode": true,
   "ipam": {"type": "host-local", "ranges": [[{"subnet": "10.244.0.0/24"}]], "routes": [{"dst": "0.0.0.0/0"}]}},
  {"type": "portmap", "capabilities": {"portMappings": true}}]}
JSON

# Several nodes on one machine share its cgroups: each has a root of its own
root="/keyturn-test-$(hostname)"
cat > kubelet.yaml <<YAML
apiVersion: kubelet.config.k8s.io/v1beta1
kind: KubeletConfiguration
failCgroupV1: false
failSwapOn: false
cgroupDriver: cgroupfs
cgroupRoot: $root
enforceNodeAllocatable: []
containerRuntimeEndpoint: unix:///run/containerd/containerd.sock
authentication: {anonymous: {enabled: false}, webhook: {enabled: true}, x509: {clientCAFile: /etc/keyturn/pki/ca.crt}}
authorization: {mode: Webhook}
evictionHard: {"nodefs.available": "0%", "imagefs.available": "0%", "memory.available": "50Mi"}
imageGCHighThresholdPercent: 100
clusterDomain: cluster.local
YAML
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  mkdir -p "/sys/fs/cgroup$root"
else
  for controller in /sys/fs/cgroup/*/; do mkdir -p "$controller$root" || true; done
fi

run() { # name, flags: the binary under that name, so that a signal finds its process by it
  local name=$1
  shift
  "$name" "$@" > "/var/log/keyturn/$name.log" 2>&1 &
}

run containerd
run etcd --data-dir=/var/lib/etcd --listen-client-urls=http://127.0.0.1:2379 --advertise-client-urls=http://127.0.0.1:2379 \
  --unsafe-no-fsync --log-level=warn
run kube-apiserver --etcd-servers=http://127.0.0.1:2379 --advertise-address="$ip" --secure-port=6443 \
  --tls-cert-file=pki/server.crt --tls-private-key-file=pki/server.key --client-ca-file=pki/ca.crt \
  --authorization-mode=Node,RBAC --enable-admission-plugins=NodeRestriction --allow-privileged=true \
  --service-cluster-ip-range=10.96.0.0/16 --service-account-issuer=https://kubernetes.default.svc \
  --service-account-key-file=pki/sa.pub --service-account-signing-key-file=pki/sa.key \
  --kubelet-client-certificate=pki/admin.crt --kubelet-client-key=pki/admin.key --kubelet-preferred-address-types=InternalIP

until ctr -n k8s.io images import /pause.tar > /dev/null 2>&1; do sleep 0.1; done
until kubectl --kubeconfig=kubeconfig get --raw=/readyz > /dev/null 2>&1; do sleep 0.1; done

run kube-controller-manager --kubeconfig=kubeconfig --service-account-private-key-file=pki/sa.key --root-ca-file=pki/ca.crt \
  --use-service-account-credentials=true --leader-elect=false --cluster-cidr=10.244.0.0/16 --allocate-node-cidrs=true
run kube-scheduler --kubeconfig=kubeconfig --leader-elect=false
run kube-proxy --kubeconfig=kubeconfig --hostname-override=node --cluster-cidr=10.244.0.0/16 --proxy-mode=iptables \
  --conntrack-max-per-core=0
run kubelet --kubeconfig=kubeconfig --config=kubelet.yaml --hostname-override=node --node-ip="$ip"

echo "keyturn-node: ready"
# Whoever ends first ends the node: nobody waits for a cluster that lacks a part
wait -n
echo "keyturn-node: a part ended, see /var/log/keyturn"
exit 1
