// Owns the last step inside a root made by mmdebstrap: what is cut out, and times that do not depend on the build. Never runs it.

/**
 * A shell script that runs on the host with the new root as $1; PYRO_PACKAGES names the file for the package list,
 * PYRO_SOURCES the apt sources that go into the image. File times after the mirror's newest index come from this
 * build; cut to that, two builds of one mirror state are the same image. (SOURCE_DATE_EPOCH would do it too, but makes
 * python compile its library so that it hashes every source file at import.)
 */
export const finishScript = `set -eu
cd "$1"
dpkg-query --admindir="$1/var/lib/dpkg" -W -f '\${binary:Package}=\${Version}\\n' > "$PYRO_PACKAGES"
epoch=$(sed -n 's/^Date: //p' var/lib/apt/lists/*Release | date -u -f - +%s | sort -n | tail -n 1)
mkdir -p workspace dev proc sys run tmp
for file in etc/resolv.conf etc/hostname etc/machine-id; do rm -f $file; : > $file; done
rm -f etc/apt/sources.list etc/apt/sources.list.d/* etc/apt/apt.conf.d/*mmdebstrap
cp "$PYRO_SOURCES" etc/apt/sources.list.d/debian.sources
chmod 644 etc/apt/sources.list.d/debian.sources etc/resolv.conf etc/hostname etc/machine-id
rm -f var/cache/apt/*.bin var/cache/apt/archives/*.deb var/cache/ldconfig/aux-cache var/lib/dbus/machine-id
rm -f var/cache/debconf/*-old var/lib/dpkg/*-old
find var/lib/apt/lists tmp run -mindepth 1 -xdev -not -path run/lock -delete
find var/log -type f -delete
mkdir -p var/lib/apt/lists/partial var/cache/apt/archives/partial
find . -xdev '(' -path ./dev -o -path ./proc -o -path ./sys ')' -prune -o -newermt "@$epoch" -exec touch -h -d "@$epoch" '{}' +
`;
