// deadline.go owns the renewable deadline: a file with a time in milliseconds. It never kills.

package supervise

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// An endTime counts from the boot of this host, by a clock that nobody can set and that goes on while the host sleeps.
// Supervisors of earlier versions read a time since 1970 alone; those of this one still take that as well.
type endTime struct {
	clock int
	at    time.Duration
}

const bootPrefix = "boot "

// parseDeadline reads decimal milliseconds, of the boot's clock after "boot "; white space around them is allowed.
func parseDeadline(text []byte) (endTime, error) {
	number, sinceBoot := strings.CutPrefix(strings.TrimSpace(string(text)), bootPrefix)
	ms, err := strconv.ParseInt(number, 10, 64)
	if err != nil || ms < 0 || ms > int64(1<<63-1)/int64(time.Millisecond) {
		return endTime{}, fmt.Errorf("deadline %.40q is not a time in milliseconds", text)
	}
	clock := unix.CLOCK_REALTIME
	if sinceBoot {
		clock = unix.CLOCK_BOOTTIME
	}
	return endTime{clock: clock, at: time.Duration(ms) * time.Millisecond}, nil
}

// readDeadline: a file that is missing or garbled is a deadline that has passed.
func readDeadline(path string) endTime {
	file, err := os.Open(path)
	if err != nil {
		return endTime{}
	}
	defer file.Close()
	text := make([]byte, 64)
	n, err := file.Read(text)
	if err != nil {
		return endTime{}
	}
	read, err := parseDeadline(text[:n])
	if err != nil {
		return endTime{}
	}
	return read
}

func (d endTime) hasPassed() bool {
	var now unix.Timespec
	if err := unix.ClockGettime(int32(d.clock), &now); err != nil {
		return true
	}
	return now.Nano() >= int64(d.at)
}

// passed closes its channel once the deadline in the file has passed. Time that the host spends suspended counts; a
// wall clock that is set wakes a deadline of that clock up to look again.
func passed(path string) (<-chan struct{}, error) {
	first := readDeadline(path)
	fd, err := unix.TimerfdCreate(first.clock, unix.TFD_CLOEXEC|unix.TFD_NONBLOCK)
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
			// The clock of a file never changes: whoever renews it keeps to it.
			now := readDeadline(path)
			if now.clock != first.clock || now.hasPassed() {
				return
			}
			spec := unix.ItimerSpec{Value: unix.NsecToTimespec(int64(now.at))}
			flags := unix.TFD_TIMER_ABSTIME
			if now.clock == unix.CLOCK_REALTIME {
				flags |= unix.TFD_TIMER_CANCEL_ON_SET
			}
			if err := unix.TimerfdSettime(fd, flags, &spec, nil); err != nil {
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
