// The shell for the lab's steps: zx, kept from reading anybody's ~/.bashrc. Bash does that when it takes itself for a remote login, which is
// the outermost shell with a socket for standard input, as Node's pipes are: under cron or CI each command would run what stands there first.
import { $ } from 'zx';

if (!(Number(process.env.SHLVL) >= 1)) process.env.SHLVL = '1';

export { $ };
