// deadline.go owns the renewable deadline: a file with a unix time in milliseconds. It never kills.

package supervise

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// parseDeadline reads decimal milliseconds since 1970; white space around them is allowed.
func parseDeadline(text []byte) (time.Time, error) {
	ms, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64)
	if err != nil || ms < 0 {
		return time.Time{}, fmt.Errorf("deadline %.40q is not a time in milliseconds", text)
	}
	return time.UnixMilli(ms), nil
}

// readDeadline: a file that is missing or garbled is a deadline that has passed.
func readDeadline(path string) time.Time {
	file, err := os.Open(path)
	if err != nil {
		return time.Time{}
	}
	defer file.Close()
	text := make([]byte, 64)
	n, err := file.Read(text)
	if err != nil {
		return time.Time{}
	}
	deadline, err := parseDeadline(text[:n])
	if err != nil {
		return time.Time{}
	}
	return deadline
}

// passed closes its channel once the deadline in the file has passed. The timer is the kernel's wall clock, so
// that time spent suspended counts, and a clock that is set wakes it up to look again.
func passed(path string) (<-chan struct{}, error) {
	fd, err := unix.TimerfdCreate(unix.CLOCK_REALTIME, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
	if err != nil {
		return nil, err
	}
	timer := os.NewFile(uintptr(fd), "deadline timer")
	done := make(chan struct{})
	go func() {
		defer timer.Close()
		defer close(done)
		buffer := make([]byte, 8)
		for {
			deadline := readDeadline(path)
			if !time.Now().Before(deadline) {
				return
			}
			spec := unix.ItimerSpec{Value: unix.NsecToTimespec(deadline.UnixNano())}
			if err := unix.TimerfdSettime(fd, unix.TFD_TIMER_ABSTIME|unix.TFD_TIMER_CANCEL_ON_SET, &spec, nil); err != nil {
				return
			}
			// Either expired, or ECANCELED because the clock was set: both mean to look again.
			if _, err := timer.Read(buffer); err != nil && !isCanceled(err) {
				return
			}
		}
	}()
	return done, nil
}
