// lookup.go owns how argv[0] becomes a file; it never starts it. Runs where the machine's root is the root.

package process

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

const (
	codeNotExecutable = 126
	codeNotFound      = 127
)

// refusal says why a program cannot be run, as a shell would.
type refusal struct {
	code    int32
	message string
}

func (r *refusal) Error() string { return r.message }

func notFound(name string) *refusal { return &refusal{codeNotFound, name + ": not found"} }

func notExecutable(name, why string) *refusal {
	return &refusal{codeNotExecutable, name + ": " + why}
}

// lookup finds the file to execute. Relative names are taken from cwd.
func lookup(name, cwd string, env []string) (string, error) {
	if name == "" {
		return "", notFound("''")
	}
	if strings.Contains(name, "/") {
		return executable(name, within(cwd, name))
	}
	var denied error
	for _, folder := range strings.Split(searchPath(env), ":") {
		path, err := executable(name, within(cwd, filepath.Join(folder, name)))
		if err == nil {
			return path, nil
		}
		if r, ok := err.(*refusal); ok && r.code == codeNotExecutable && denied == nil {
			denied = err
		}
	}
	if denied != nil {
		return "", denied
	}
	return "", notFound(name)
}

// searchPath is the last PATH of env: what execve's receiver would see is the first, but Go keeps the last everywhere.
func searchPath(env []string) string {
	path := "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
	for _, entry := range env {
		if value, ok := strings.CutPrefix(entry, "PATH="); ok {
			path = value
		}
	}
	return path
}

func within(cwd, path string) string {
	if strings.HasPrefix(path, "/") {
		return path
	}
	return filepath.Join(cwd, path)
}

func executable(name, path string) (string, error) {
	var stat unix.Stat_t
	if err := unix.Stat(path, &stat); err != nil {
		if err == unix.ENOENT || err == unix.ENOTDIR {
			return "", notFound(name)
		}
		return "", notExecutable(name, err.Error())
	}
	if stat.Mode&unix.S_IFMT == unix.S_IFDIR {
		return "", notExecutable(name, "is a directory")
	}
	if err := unix.Access(path, unix.X_OK); err != nil {
		return "", notExecutable(name, err.Error())
	}
	return path, nil
}

// folder checks that a program can be started in cwd.
func folder(cwd string) error {
	var stat unix.Stat_t
	if err := unix.Stat(cwd, &stat); err != nil {
		return notExecutable("cwd "+cwd, err.Error())
	}
	if stat.Mode&unix.S_IFMT != unix.S_IFDIR {
		return notExecutable("cwd "+cwd, "not a directory")
	}
	return nil
}

// interpret makes the argv that runs a file without #! as shells do.
func interpret(path string, argv []string) (string, []string, error) {
	file, err := os.Open(path)
	if err != nil {
		return "", nil, notExecutable(argv[0], err.Error())
	}
	defer file.Close()
	head := make([]byte, 128)
	n, _ := file.Read(head)
	if bytes.IndexByte(head[:n], 0) >= 0 {
		return "", nil, notExecutable(argv[0], "cannot execute binary file")
	}
	return "/bin/sh", append([]string{"sh", path}, argv[1:]...), nil
}

// explain turns a failed execve into a refusal; other failures stay what they are.
func explain(argv []string, err error) error {
	switch err {
	case unix.ENOENT:
		return &refusal{codeNotFound, argv[0] + ": its interpreter was not found"}
	case unix.ENOTDIR, unix.EACCES, unix.EPERM, unix.ELOOP, unix.ETXTBSY, unix.ENOEXEC, unix.E2BIG, unix.ENAMETOOLONG, unix.EISDIR:
		return notExecutable(argv[0], err.Error())
	}
	return fmt.Errorf("start %s: %w", argv[0], err)
}
