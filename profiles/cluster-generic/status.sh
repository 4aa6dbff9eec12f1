#!/bin/sh
# Says for the number of a Slurm job what cluster-generic wants to know: running, success or failed.
state=$(squeue --noheader --states=all --format=%T --jobs="$1" 2>/dev/null | head -n 1)
# A job that squeue has forgotten is left to accounting.
[ -n "$state" ] || state=$(sacct --noheader --allocations --parsable2 --format=State --jobs="$1" 2>/dev/null | head -n 1)
case $state in
    COMPLETED*) echo success ;;
    PENDING* | CONFIGURING* | RUNNING* | COMPLETING* | SUSPENDED* | REQUEUED* | RESIZING* | "") echo running ;;
    *) echo failed ;;
esac
