/**
 * Numbers of the calls that the policy names: [x86_64, arm64]; null where the architecture has none.
 * From `asm/unistd_64.h` and `asm-generic/unistd.h` of Linux.
 */
export const syscallNumbers = {
  // Mounts and roots.
  mount: [165, 40],
  umount2: [166, 39],
  pivot_root: [155, 41],
  chroot: [161, 51],
  open_tree: [428, 428],
  open_tree_attr: [467, 467],
  move_mount: [429, 429],
  fsopen: [430, 430],
  fsconfig: [431, 431],
  fsmount: [432, 432],
  fspick: [433, 433],
  mount_setattr: [442, 442],
  // Namespaces.
  setns: [308, 268],
  // Keyrings are not namespaced.
  keyctl: [250, 219],
  add_key: [248, 217],
  request_key: [249, 218],
  // Broad kernel surface, rarely needed and often at fault.
  bpf: [321, 280],
  perf_event_open: [298, 241],
  userfaultfd: [323, 282],
  io_uring_setup: [425, 425],
  io_uring_enter: [426, 426],
  io_uring_register: [427, 427],
  fanotify_init: [300, 262],
  lookup_dcookie: [212, 18],
  modify_ldt: [154, null],
  // Files past every path check.
  open_by_handle_at: [304, 265],
  // The kernel itself, its log, its clock, its devices.
  kexec_load: [246, 104],
  kexec_file_load: [320, 294],
  init_module: [175, 105],
  finit_module: [313, 273],
  delete_module: [176, 106],
  create_module: [174, null],
  get_kernel_syms: [177, null],
  query_module: [178, null],
  syslog: [103, 116],
  reboot: [169, 142],
  acct: [163, 89],
  swapon: [167, 224],
  swapoff: [168, 225],
  quotactl: [179, 60],
  quotactl_fd: [443, 443],
  settimeofday: [164, 170],
  clock_settime: [227, 112],
  clock_adjtime: [305, 266],
  adjtimex: [159, 171],
  sethostname: [170, 161],
  setdomainname: [171, 162],
  iopl: [172, null],
  ioperm: [173, null],
  vhangup: [153, 58],
  // Placement of memory on the host's nodes.
  move_pages: [279, 239],
  migrate_pages: [256, 238],
  mbind: [237, 235],
  set_mempolicy: [238, 237],
  set_mempolicy_home_node: [450, 450],
  // Obsolete.
  nfsservctl: [180, 42],
  uselib: [134, null],
  sysfs: [139, null],
  ustat: [136, null],
  _sysctl: [156, null],
  // Judged by their arguments.
  clone: [56, 220],
  clone3: [435, 435],
  unshare: [272, 97],
  socket: [41, 198],
  socketpair: [53, 199],
  ioctl: [16, 29],
} as const satisfies Record<string, readonly [x86_64: number, arm64: number | null]>

export type SyscallName = keyof typeof syscallNumbers

/** The last call of Linux 6.18. A later one is unknown to this policy and does not exist inside. */
export const lastKnownSyscall = 469
