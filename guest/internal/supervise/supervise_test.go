// These tests prove that a supervised program never outlives its deadline, its daemon or its supervisor.
// Every one runs the real supervisor as a process with a real program below it.

package supervise

import (
	"bufio"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const asSupervisor = "PYRO_TEST_SUPERVISE"

func TestMain(m *testing.M) {
	if os.Getenv(asSupervisor) != "" {
		os.Exit(Main(os.Args[1:]))
	}
	os.Exit(m.Run())
}

type supervised struct {
	t        *testing.T
	command  *exec.Cmd
	control  io.WriteCloser
	lines    *bufio.Scanner
	deadline string
	leftover string
	program  int
}

func start(t *testing.T, deadline string, program ...string) *supervised {
	t.Helper()
	s := &supervised{t: t, deadline: filepath.Join(t.TempDir(), "deadline"), leftover: filepath.Join(t.TempDir(), "leftover")}
	s.renew(deadline)
	if err := os.MkdirAll(filepath.Join(s.leftover, "deep"), 0o755); err != nil {
		t.Fatal(err)
	}
	args := append([]string{"--deadline-file", s.deadline, "--remove", s.leftover, "--oom-score-adj", "500", "--"}, program...)
	s.command = exec.Command(os.Args[0], args...)
	s.command.Env = append(os.Environ(), asSupervisor+"=1")
	s.command.Stderr = os.Stderr
	var err error
	if s.control, err = s.command.StdinPipe(); err != nil {
		t.Fatal(err)
	}
	stdout, err := s.command.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := s.command.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = s.command.Process.Kill()
		_ = s.command.Wait()
	})
	s.lines = bufio.NewScanner(stdout)
	var first struct {
		Pid int `json:"pid"`
	}
	s.line(&first)
	s.program = first.Pid
	return s
}

func (s *supervised) line(into any) {
	s.t.Helper()
	if !s.lines.Scan() {
		s.t.Fatalf("the supervisor said nothing more: %v", s.lines.Err())
	}
	if err := json.Unmarshal(s.lines.Bytes(), into); err != nil {
		s.t.Fatalf("%q: %v", s.lines.Text(), err)
	}
}

func (s *supervised) renew(deadline string) {
	s.t.Helper()
	next := s.deadline + ".new"
	if err := os.WriteFile(next, []byte(deadline+"\n"), 0o600); err != nil {
		s.t.Fatal(err)
	}
	if err := os.Rename(next, s.deadline); err != nil {
		s.t.Fatal(err)
	}
}

func (s *supervised) ends(want report, removed bool) {
	s.t.Helper()
	var got report
	s.line(&got)
	if got != want {
		s.t.Errorf("report %+v, want %+v", got, want)
	}
	_, err := os.Stat(s.leftover)
	if removed != errors.Is(err, os.ErrNotExist) {
		s.t.Errorf("leftover removed: %v, want %v", err, removed)
	}
	if err := unix.Kill(s.program, 0); err != unix.ESRCH {
		s.t.Errorf("the program is still there: %v", err)
	}
}

var killed = report{ExitCode: 137, Signal: 9}

func because(why reason) report {
	r := killed
	r.Reason = why
	return r
}

func hence(d time.Duration) string { return at(time.Now().Add(d)) }

func at(moment time.Time) string { return strconv.FormatInt(moment.UnixMilli(), 10) }

func sinceBoot(d time.Duration) string {
	var now unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_BOOTTIME, &now)
	return bootPrefix + strconv.FormatInt((now.Nano()+int64(d))/int64(time.Millisecond), 10)
}

func TestExitIsReportedAndCleaningLeftToTheDaemon(t *testing.T) {
	start(t, hence(time.Minute), "sh", "-c", "exit 7").ends(report{ExitCode: 7, Reason: exited}, false)
}

func TestSignalIsReported(t *testing.T) {
	start(t, hence(time.Minute), "sh", "-c", "kill -TERM $$").ends(report{ExitCode: 143, Signal: 15, Reason: exited}, false)
}

func TestDeadlineKillsAndCleans(t *testing.T) {
	start(t, hence(300*time.Millisecond), "sleep", "1000").ends(because(deadline), true)
}

func TestPassedDeadlineKillsAtOnce(t *testing.T) {
	start(t, hence(-time.Hour), "sleep", "1000").ends(because(deadline), true)
}

func TestRenewedDeadlineIsReadAtExpiry(t *testing.T) {
	begun := time.Now()
	s := start(t, hence(200*time.Millisecond), "sleep", "1000")
	s.renew(at(begun.Add(700 * time.Millisecond)))
	s.ends(because(deadline), true)
	if took := time.Since(begun); took < 700*time.Millisecond {
		t.Errorf("killed after %v", took)
	}
}

func TestDeadlineSinceBootIsKeptAndRenewed(t *testing.T) {
	begun := time.Now()
	s := start(t, sinceBoot(200*time.Millisecond), "sleep", "1000")
	s.renew(sinceBoot(700 * time.Millisecond))
	s.ends(because(deadline), true)
	if took := time.Since(begun); took < 700*time.Millisecond {
		t.Errorf("killed after %v", took)
	}
	start(t, sinceBoot(-time.Millisecond), "sleep", "1000").ends(because(deadline), true)
}

func TestMissingDeadlineAtExpiryKills(t *testing.T) {
	s := start(t, hence(200*time.Millisecond), "sleep", "1000")
	if err := os.Remove(s.deadline); err != nil {
		t.Fatal(err)
	}
	s.ends(because(deadline), true)
}

func TestClosedControlPipeKills(t *testing.T) {
	s := start(t, hence(time.Minute), "sleep", "1000")
	s.control.Close()
	s.ends(because(orphaned), true)
}

func TestDetachedOutlivesTheControlPipeUntilTheDeadline(t *testing.T) {
	s := start(t, hence(400*time.Millisecond), "sleep", "1000")
	if _, err := io.WriteString(s.control, "detach\n"); err != nil {
		t.Fatal(err)
	}
	s.control.Close()
	s.ends(because(deadline), true)
}

func TestDetachedThatExitsIsCleaned(t *testing.T) {
	s := start(t, hence(time.Minute), "sleep", "0.3")
	if _, err := io.WriteString(s.control, "detach\n"); err != nil {
		t.Fatal(err)
	}
	s.control.Close()
	s.ends(report{Reason: exited}, true)
}

func TestTerminateKills(t *testing.T) {
	s := start(t, hence(time.Minute), "sleep", "1000")
	if err := s.command.Process.Signal(unix.SIGTERM); err != nil {
		t.Fatal(err)
	}
	s.ends(because(terminated), true)
}

func TestInterruptAndHangupAreIgnored(t *testing.T) {
	s := start(t, hence(300*time.Millisecond), "sleep", "1000")
	for _, signal := range []syscall.Signal{unix.SIGINT, unix.SIGHUP} {
		if err := s.command.Process.Signal(signal); err != nil {
			t.Fatal(err)
		}
	}
	s.ends(because(deadline), true)
}

func TestProgramDiesWithTheSupervisor(t *testing.T) {
	s := start(t, hence(time.Minute), "sleep", "1000")
	pidfd, err := unix.PidfdOpen(s.program, 0)
	if err != nil {
		t.Skipf("no pidfd here: %v", err)
	}
	defer unix.Close(pidfd)
	if err := s.command.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	for {
		n, err := unix.Poll([]unix.PollFd{{Fd: int32(pidfd), Events: unix.POLLIN}}, 10_000)
		if err == unix.EINTR {
			continue
		}
		if n != 1 || err != nil {
			t.Errorf("the program outlives its supervisor: %d %v", n, err)
		}
		return
	}
}

func TestProgramGetsTheScoreAndNoInput(t *testing.T) {
	script := `[ "$(cat /proc/self/oom_score_adj)" = 500 ] && [ "$(readlink /proc/self/fd/0)" = /dev/null ]`
	start(t, hence(time.Minute), "sh", "-c", script).ends(report{Reason: exited}, false)
}

func TestBadArgumentsAreRefused(t *testing.T) {
	for name, args := range map[string][]string{
		"nothing":          {},
		"no program":       {"--deadline-file", "/d", "--"},
		"no deadline":      {"--", "true"},
		"unknown flag":     {"--deadline-file", "/d", "--what", "1", "--", "true"},
		"remove root":      {"--deadline-file", "/d", "--remove", "/", "--", "true"},
		"remove relative":  {"--deadline-file", "/d", "--remove", "a/b", "--", "true"},
		"remove uncleaned": {"--deadline-file", "/d", "--remove", "/a/..", "--", "true"},
		"score":            {"--deadline-file", "/d", "--oom-score-adj", "1001", "--", "true"},
		"missing value":    {"--deadline-file"},
	} {
		if _, err := parseArgs(args); err == nil {
			t.Errorf("%s was accepted", name)
		}
	}
}

func FuzzDeadline(f *testing.F) {
	for _, seed := range []string{"1700000000000\n", "", "-1", "99999999999999999999", "1e3", " 5 ", "boot 5", "boot -1", "boot 9223372036854775807"} {
		f.Add([]byte(seed))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		deadline, err := parseDeadline(text)
		if err == nil && deadline.at < 0 {
			t.Errorf("%q became %v", text, deadline)
		}
	})
}
