#!/bin/sh
# The first process of user-mode Linux. bed.py puts a copy of this beside what it is to run, in the file `start`.
export PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin
mount -t proc proc /proc
. "${0%/*}/start"
