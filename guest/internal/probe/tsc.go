// Package probe owns what only native code can find out about the host: the rate of its time stamp counter and whether
// KVM really works. It runs on the host, never in a guest, and changes nothing.
package probe

import (
	"fmt"
	"runtime"
	"sort"
	"time"

	"golang.org/x/sys/unix"
)

func rdtsc() uint64

// Three windows, so that one interruption by the host's scheduler cannot spoil the result.
const (
	tscWindows = 3
	tscWindow  = 20 * time.Millisecond
)

// TSCKilohertz measures the counter against CLOCK_MONOTONIC_RAW; a guest that is told a wrong rate has a clock that
// is wrong by the same ratio.
func TSCKilohertz() (uint64, error) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	rates := make([]uint64, 0, tscWindows)
	for range tscWindows {
		rate, err := tscWindowKilohertz()
		if err != nil {
			return 0, err
		}
		rates = append(rates, rate)
	}
	sort.Slice(rates, func(i, j int) bool { return rates[i] < rates[j] })
	return rates[len(rates)/2], nil
}

func tscWindowKilohertz() (uint64, error) {
	startTicks, startNanos, err := tickPair()
	if err != nil {
		return 0, err
	}
	time.Sleep(tscWindow)
	endTicks, endNanos, err := tickPair()
	if err != nil {
		return 0, err
	}
	if endNanos <= startNanos || endTicks <= startTicks {
		return 0, fmt.Errorf("the time stamp counter does not advance")
	}
	return (endTicks - startTicks) * 1_000_000 / uint64(endNanos-startNanos), nil
}

// tickPair reads both clocks as close together as the scheduler allows: the narrowest of several tries.
func tickPair() (ticks uint64, nanos int64, err error) {
	best := uint64(1 << 62)
	for range 16 {
		before := rdtsc()
		var now unix.Timespec
		if err := unix.ClockGettime(unix.CLOCK_MONOTONIC_RAW, &now); err != nil {
			return 0, 0, fmt.Errorf("clock_gettime: %w", err)
		}
		after := rdtsc()
		if after-before < best {
			best = after - before
			ticks, nanos = before+(after-before)/2, now.Nano()
		}
	}
	return ticks, nanos, nil
}
