EXTRA_DIST += \
	%D%/run %D%/RESULTS.md %D%/results.svg \
	%D%/compare.py %D%/jobs.py %D%/measure.py %D%/place.py %D%/plot.py %D%/programs.py \
	%D%/results.py %D%/snapshots.py %D%/trees.py
