/*
 * watch.c
 *    Run a command, and measure a server meanwhile: CPU and memory of its tree of processes.
 *
 *    watch [-l SECONDS] [-i MS] PID OUT COMMAND [ARGUMENT...]
 *
 *    -l   go on for so long after the command ended, for work that it left     (0)
 *    -i   between two samples of the memory                                    (500)
 *
 * CPU is user and system time of PID and all its descendants, those that ended and were waited for
 * included.  Memory is the proportional set size: shared memory counts once.  OUT gets lines
 * "figure number unit".  The exit status is the command's.
 */
#include <ctype.h>
#include <dirent.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define MAX_PROCESSES 65536

typedef struct Process
{
	int pid;
	int parent;
	uint64_t ticks;		  /* user and system */
	uint64_t child_ticks; /* of children waited for */
	bool in_tree;
} Process;

typedef struct Memory
{
	uint64_t pss_kb;
	uint64_t anon_kb;
	uint64_t shared_kb; /* of shared memory */
	uint64_t file_kb;
} Memory;

static Process processes[MAX_PROCESSES];
static int nprocesses;

static bool
read_stat(int pid, Process *p)
{
	char name[64];
	char buf[1024];
	unsigned long long utime, stime, cutime, cstime;
	FILE *f;
	size_t n;
	char *after;

	snprintf(name, sizeof(name), "/proc/%d/stat", pid);
	f = fopen(name, "r");
	if (f == NULL)
		return false;
	n = fread(buf, 1, sizeof(buf) - 1, f);
	fclose(f);
	buf[n] = '\0';
	after = strrchr(buf, ')'); /* the name of the program may hold anything */
	if (after == NULL ||
		sscanf(after + 1, " %*c %d %*d %*d %*d %*d %*u %*u %*u %*u %*u %llu %llu %llu %llu",
			   &p->parent, &utime, &stime, &cutime, &cstime) != 5)
		return false;
	p->pid = pid;
	p->ticks = utime + stime;
	p->child_ticks = cutime + cstime;
	p->in_tree = false;
	return true;
}

/* All processes of the machine, those of root's tree marked. */
static void
read_tree(int root)
{
	DIR *dir = opendir("/proc");
	struct dirent *e;
	bool more = true;

	nprocesses = 0;
	while ((e = readdir(dir)) != NULL && nprocesses < MAX_PROCESSES)
		if (isdigit((unsigned char) e->d_name[0]) &&
			read_stat(atoi(e->d_name), &processes[nprocesses]))
			nprocesses++;
	closedir(dir);
	for (int i = 0; i < nprocesses; i++)
		processes[i].in_tree = processes[i].pid == root;
	while (more)
	{
		more = false;
		for (int i = 0; i < nprocesses; i++)
		{
			if (processes[i].in_tree)
				continue;
			for (int k = 0; k < nprocesses && !processes[i].in_tree; k++)
				processes[i].in_tree =
					processes[k].in_tree && processes[k].pid == processes[i].parent;
			more |= processes[i].in_tree;
		}
	}
}

static double
tree_cpu(int root)
{
	uint64_t ticks = 0;

	read_tree(root);
	for (int i = 0; i < nprocesses; i++)
		if (processes[i].in_tree)
			ticks += processes[i].ticks + processes[i].child_ticks;
	return (double) ticks / (double) sysconf(_SC_CLK_TCK);
}

static void
add_memory(int pid, Memory *m)
{
	char line[256];
	FILE *f;
	unsigned long long kb;

	snprintf(line, sizeof(line), "/proc/%d/smaps_rollup", pid);
	f = fopen(line, "r");
	if (f == NULL)
		return;
	while (fgets(line, sizeof(line), f) != NULL)
	{
		if (sscanf(line, "Pss: %llu", &kb) == 1)
			m->pss_kb += kb;
		else if (sscanf(line, "Pss_Anon: %llu", &kb) == 1)
			m->anon_kb += kb;
		else if (sscanf(line, "Pss_Shmem: %llu", &kb) == 1)
			m->shared_kb += kb;
		else if (sscanf(line, "Pss_File: %llu", &kb) == 1)
			m->file_kb += kb;
	}
	fclose(f);
}

/* Sample the memory; keep what is highest in peak. */
static void
sample_memory(int root, Memory *peak)
{
	Memory m = {0};

	read_tree(root);
	for (int i = 0; i < nprocesses; i++)
		if (processes[i].in_tree)
			add_memory(processes[i].pid, &m);
	if (m.pss_kb > peak->pss_kb)
		*peak = m;
}

static double
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (double) ts.tv_sec + (double) ts.tv_nsec / 1e9;
}

int
main(int argc, char **argv)
{
	double linger = 0;
	int interval_ms = 500;
	int status = -1;
	int root, opt, child;
	Memory peak = {0};
	uint64_t before;
	double cpu, began, ended = 0;
	FILE *out;

	while ((opt = getopt(argc, argv, "+l:i:")) != -1)
	{
		if (opt == 'l')
			linger = atof(optarg);
		else if (opt == 'i')
			interval_ms = atoi(optarg);
	}
	if (argc - optind < 3 || (root = atoi(argv[optind])) <= 0)
	{
		fprintf(stderr, "usage: watch [-l SECONDS] [-i MS] PID OUT COMMAND [ARGUMENT...]\n");
		return 2;
	}
	out = fopen(argv[optind + 1], "w");
	if (out == NULL)
	{
		perror(argv[optind + 1]);
		return 2;
	}
	cpu = tree_cpu(root);
	sample_memory(root, &peak);
	before = peak.pss_kb;
	began = now();
	child = fork();
	if (child == 0)
	{
		execvp(argv[optind + 2], &argv[optind + 2]);
		perror(argv[optind + 2]);
		_exit(127);
	}
	for (;;)
	{
		if (ended == 0 && waitpid(child, &status, WNOHANG) == child)
			ended = now();
		if (ended > 0 && now() >= ended + linger)
			break;
		sample_memory(root, &peak);
		for (int ms = 0; ms < interval_ms; ms += 10)
		{
			usleep(10000);
			if (ended == 0 && waitpid(child, &status, WNOHANG) == child)
				ended = now();
			if (ended > 0 && now() >= ended + linger)
				break;
		}
	}
	sample_memory(root, &peak);
	fprintf(out, "cpu %.2f s\nwall %.2f s\n", tree_cpu(root) - cpu, ended - began);
	fprintf(out,
			"peak_pss %.1f MB\npeak_anonymous %.1f MB\npeak_shared %.1f MB\npeak_file %.1f MB\n",
			(double) peak.pss_kb / 1024, (double) peak.anon_kb / 1024,
			(double) peak.shared_kb / 1024, (double) peak.file_kb / 1024);
	fprintf(out, "peak_growth %.1f MB\n", (double) (peak.pss_kb - before) / 1024);
	fclose(out);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 1;
}
