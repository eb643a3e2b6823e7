/*
 * replay_main.c
 *    Runs the inputs of a fuzz target without libFuzzer: each argument is a file or a directory of
 *    files.  Prints how many there were; a failing input ends the process as it would the fuzzer.
 */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

extern int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* run_file -- the bytes lie in a block of exactly their size, so that reads beyond are seen. */
static int
run_file(const char *path)
{
	FILE *f = fopen(path, "rb");
	struct stat st;
	uint8_t *data;
	size_t n;

	if (f == NULL || fstat(fileno(f), &st) != 0)
	{
		perror(path);
		exit(1);
	}
	data = malloc(st.st_size > 0 ? (size_t) st.st_size : 1);
	n = fread(data, 1, (size_t) st.st_size, f);
	fclose(f);
	LLVMFuzzerTestOneInput(data, n);
	free(data);
	return 1;
}

static int
run_path(const char *path)
{
	DIR *dir = opendir(path);
	struct dirent *entry;
	int n = 0;

	if (dir == NULL)
		return run_file(path);
	while ((entry = readdir(dir)) != NULL)
	{
		char name[4096];

		if (entry->d_name[0] == '.')
			continue;
		snprintf(name, sizeof(name), "%s/%s", path, entry->d_name);
		n += run_file(name);
	}
	closedir(dir);
	return n;
}

int
main(int argc, char **argv)
{
	int n = 0;

	for (int i = 1; i < argc; i++)
		n += run_path(argv[i]);
	printf("%s: %d inputs passed\n", argv[0], n);
	return 0;
}
