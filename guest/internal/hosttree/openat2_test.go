// Proves that where openat2 is not to be had nothing is opened in a less safe way, and the reason is said.

package hosttree

import (
	"os"
	"runtime"
	"testing"
	"unsafe"

	"golang.org/x/sys/unix"
)

func TestWithoutOpenat2TheReasonIsSaid(t *testing.T) {
	root, err := os.Open(t.TempDir())
	if err != nil {
		t.Fatal(err)
	}
	defer root.Close()
	for _, refusal := range []unix.Errno{unix.ENOSYS, unix.EPERM} {
		done := make(chan error)
		go func() {
			// Never unlocked, so that the thread ends with the goroutine, and its filter with it.
			runtime.LockOSThread()
			if err := refuseOpenat2(refusal); err != nil {
				done <- err
				return
			}
			done <- probe(int(root.Fd()))
		}()
		if err := <-done; err != errNoOpenat2 {
			t.Errorf("refused by %v: %v", refusal, err)
		}
	}
	if err := probe(int(root.Fd())); err != nil {
		t.Errorf("not refused: %v", err)
	}
}

// refuseOpenat2 makes the call fail on this thread, as a seccomp profile that does not know it.
func refuseOpenat2(with unix.Errno) error {
	if err := unix.Prctl(unix.PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0); err != nil {
		return err
	}
	filter := []unix.SockFilter{
		{Code: unix.BPF_LD | unix.BPF_W | unix.BPF_ABS},
		{Code: unix.BPF_JMP | unix.BPF_JEQ | unix.BPF_K, Jf: 1, K: unix.SYS_OPENAT2},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ERRNO | uint32(with)},
		{Code: unix.BPF_RET | unix.BPF_K, K: unix.SECCOMP_RET_ALLOW},
	}
	program := unix.SockFprog{Len: uint16(len(filter)), Filter: &filter[0]}
	return unix.Prctl(unix.PR_SET_SECCOMP, unix.SECCOMP_MODE_FILTER, uintptr(unsafe.Pointer(&program)), 0, 0)
}
