# What a platform or an older kernel may lack, one function a file; part of the library.

libtarn_a_SOURCES += \
	%D%/compat.h \
	%D%/open_directory_beneath.c
