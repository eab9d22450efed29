// Owns the last step inside a root made by mmdebstrap: what is cut out, and what is noted about it. Never runs it.

/**
 * A shell script that runs on the host with the new root as $1. PYRO_PACKAGES and PYRO_EPOCH name the files it writes,
 * PYRO_SOURCES the apt sources that go into the image. The epoch is the time of the mirror's newest index: file times
 * after it come from this build, and are cut to it when the image is written, so that two builds of one mirror state are
 * the same image. (SOURCE_DATE_EPOCH for the whole build would make python hash every source file at import.)
 */
export const finishScript = `set -eu
cd "$1"
dpkg-query --admindir="$1/var/lib/dpkg" -W -f '\${binary:Package}=\${Version}\\n' > "$PYRO_PACKAGES"
sed -n 's/^Date: //p' var/lib/apt/lists/*Release | date -u -f - +%s | sort -n | tail -n 1 > "$PYRO_EPOCH"
mkdir -p workspace dev proc sys run tmp
for file in etc/resolv.conf etc/hostname; do rm -f $file; : > $file; done
rm -f etc/apt/sources.list etc/apt/sources.list.d/* etc/apt/apt.conf.d/99mmdebstrap
cp "$PYRO_SOURCES" etc/apt/sources.list.d/debian.sources
chmod 644 etc/apt/sources.list.d/debian.sources etc/resolv.conf etc/hostname
rm -rf var/lib/apt/lists/* var/cache/apt/*.bin var/cache/apt/archives/*
mkdir -m 755 var/lib/apt/lists/partial var/cache/apt/archives/partial
rm -f var/cache/debconf/*-old var/lib/dpkg/*-old
find var/log -type f -delete
`;
